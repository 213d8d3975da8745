import { decodeUtf8, encodeUtf8, parseBase64 } from "@postern/log/base"
import { createCore, rowBytes, rowField, verdictCodes } from "@postern/log/core"
import type { JsonObject } from "@postern/log/event"
import { expect } from "vitest"
import { type ForeignEvent, type Format, formats, writeEvent } from "./index.ts"

export const now = "2026-11-23T12:00:00.000Z"
export const defaults = { id: "id-1", time: now, source: "app://test" }
export const world = { nowMs: () => Date.parse(now) }

/** The format of this name, which is built in. */
export function formatNamed(name: string): Format {
  const format = formats.get(name)
  if (format === undefined) throw new Error(`no format ${name}`)
  return format
}

/** What the records become, each as it is written; every event is one that the port takes. */
export function readEvents(
  format: Format | string,
  records: readonly (string | Uint8Array)[],
): { events: JsonObject[]; foreign: ForeignEvent[] } {
  const decoder = (typeof format === "string" ? formatNamed(format) : format).open(world)
  const foreign: ForeignEvent[] = []
  const events: JsonObject[] = []
  const give = (event: ForeignEvent): void => {
    foreign.push({ ...event, original: event.original.slice() })
    const bytes = writeEvent(event, defaults)
    expect(verdictOf(bytes), decodeUtf8(bytes)).toBe("accepted")
    events.push(JSON.parse(decodeUtf8(bytes) ?? "") as JsonObject)
  }
  for (const record of records) {
    decoder.take(typeof record === "string" ? encodeUtf8(record) : record, give)
  }
  decoder.end(give)
  return { events, foreign }
}

/** The one event of some records, without what stands for the record itself. */
export function readOne(format: Format | string, ...records: string[]): JsonObject {
  const { events } = readEvents(format, records)
  expect(events).toHaveLength(1)
  const { data, source, ...members } = events[0] as JsonObject & { data: JsonObject }
  const { line, bytes, [String(data.format)]: original, ...more } = data
  const isKept = typeof (line ?? bytes ?? original) !== "undefined"
  expect([isKept, source]).toEqual([true, defaults.source])
  const isText = line !== undefined || bytes !== undefined
  return {
    ...members,
    data: isText && original !== undefined ? { ...more, [String(data.format)]: original } : more,
  }
}

/** What an event says its original was, byte for byte. */
export function originalOf(written: Uint8Array, format: string): Uint8Array {
  const text = Buffer.from(written).toString("latin1")
  const { data } = JSON.parse(decodeUtf8(written) ?? "") as { data: JsonObject }
  if (typeof data.line === "string") return encodeUtf8(data.line)
  if (typeof data.bytes === "string") return parseBase64(data.bytes) as Uint8Array
  const mark = `"${format}":`
  // Members of the original may have the same name; the one that begins it is the last of the extras.
  const at = text.indexOf(mark, text.indexOf(`"data":{"format":"${format}"`) + 16 + format.length)
  return Uint8Array.from(Buffer.from(text.slice(at + mark.length, -2), "latin1"))
}

const bytesMax = 1 << 22
const core = createCore({ memoryBytes: 1 << 23, leavesMax: 16 })
const regionAt = core.reserve(4 + bytesMax)
const rowAt = core.reserve(rowBytes)

/** What the port's scanner says to an event. */
export function verdictOf(event: Uint8Array): string {
  const region = new DataView(core.memory.buffer, regionAt)
  region.setUint32(0, event.length)
  core.memory.set(event, regionAt + 4)
  expect(core.split(regionAt, regionAt + 4 + event.length, rowAt, 1)).toBe(1)
  core.scan(rowAt, 1)
  const verdict = new DataView(core.memory.buffer, rowAt).getUint32(rowField.verdict, true)
  return verdict === 0 ? "accepted" : String(verdictCodes[verdict])
}
