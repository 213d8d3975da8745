import { hash } from "node:crypto"
import { createEvents, type EventKind } from "./events.ts"

/** The event region of a BATCH frame, made and hashed once and sent many times. */
export interface Region {
  readonly bytes: Buffer
  readonly digest: Buffer
}

/** Different events that are sent in turns: enough that the server's branches and caches do not learn them. */
const eventsMin = 1024
const regionsMin = 8

export function createRegions(kind: EventKind, batch: number): Region[] {
  const count = Math.max(regionsMin, Math.ceil(eventsMin / batch))
  const events = createEvents(kind, count * batch, 1)
  return Array.from({ length: count }, (_, i) => {
    const bytes = encodeRegion(events.slice(i * batch, (i + 1) * batch))
    return { bytes, digest: hash("sha256", bytes, "buffer") }
  })
}

function encodeRegion(events: readonly Buffer[]): Buffer {
  return Buffer.concat(
    events.flatMap((event) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(event.length)
      return [length, event]
    }),
  )
}
