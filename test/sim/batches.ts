import { concatBytes, encodeUtf8 } from "@postern/log/base"
import type { Decisions } from "../crash/decisions.ts"

/** Events as frames carry them: u32 length, JSON. */
export function regionOf(events: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...events.map((event) => {
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, event.length)
      return concatBytes(length, event)
    }),
  )
}

/** Events of a writer, mostly small, now and then as large as they may be. */
export function drawEvents(decisions: Decisions, name: string, large: boolean): Uint8Array[] {
  const count = decisions.chance(0.1) ? decisions.between(100, 400) : decisions.between(1, 30)
  const events: Uint8Array[] = []
  let left = 500_000
  for (let i = 0; i < count && left > 0; i++) {
    const isLong = decisions.chance(large ? 0.5 : 0.01)
    const pad = isLong ? decisions.between(1_000, 60_000) : decisions.between(0, 300)
    const text =
      `{"id":"${name}.${i}","time":"2026-11-22T12:00:00Z","source":"app://app",` +
      `"action":"disk.simulated","outcome":"success","actor":{"type":"user","id":"alice"},` +
      `"targets":[],"data":{"pad":"${"x".repeat(pad)}"}}`
    events.push(encodeUtf8(text))
    left -= text.length
  }
  return events
}
