import { decodeUtf8, encodeUtf8, parseBase64 } from "@postern/log/base"
import { createCore, rowBytes, rowField, verdictCodes } from "@postern/log/core"
import type { JsonObject } from "@postern/log/event"

const regionBytes = 1 << 23
const rowsMax = 50_000

/** One core for all that becomes events: it says what the port's scanner says to them. */
export const core = createCore({ memoryBytes: 1 << 25, leavesMax: 16 })
const regionAt = core.reserve(regionBytes)
const rowsAt = core.reserve(rowBytes * rowsMax)

export const now = "2026-11-23T12:00:00.000Z"
export const source = "app://fuzz"
export const defaults = { id: "id-1", time: now, source }
export const world = { nowMs: () => Date.parse(now) }

/** A row as the scanner left it. */
export interface Scanned {
  readonly bytes: Buffer
  /** "accepted", or why the scanner refuses it. */
  readonly verdict: string
}

/** Splits and scans the region at `[at, end)` of the core's memory, in which so many events stand. */
export function scanRegion(at: number, end: number, count: number): Scanned[] {
  const found = core.split(at, end, rowsAt, rowsMax)
  demand(found === count, `a region of ${count} events holds ${found}`)
  core.scan(rowsAt, count)
  const rows = new DataView(core.memory.buffer, rowsAt, rowBytes * count)
  return Array.from({ length: count }, (_, i) => {
    const from = rows.getUint32(i * rowBytes + rowField.offset, true)
    const length = rows.getUint32(i * rowBytes + rowField.length, true)
    const code = rows.getUint32(i * rowBytes + rowField.verdict, true)
    const bytes = Buffer.from(core.memory.slice(from, from + length))
    return { bytes, verdict: code === 0 ? "accepted" : String(verdictCodes[code]) }
  })
}

/** The same for a region that stands elsewhere. */
export function scanCopy(region: Uint8Array, count: number): Scanned[] {
  core.memory.set(region, regionAt)
  return scanRegion(regionAt, regionAt + region.length, count)
}

/** What the scanner says to one event of at most 8 MB; longer ones are for nobody. */
export function verdictOf(event: Uint8Array): string {
  if (event.length + 4 > regionBytes) return "accepted"
  const head = Buffer.alloc(4)
  head.writeUInt32BE(event.length)
  return scanCopy(Buffer.concat([head, event]), 1)[0]?.verdict ?? "none"
}

/** What a written event says that its record was, byte for byte (docs/spec/sources.md). */
export function originalOf(written: Uint8Array, format: string): Uint8Array {
  const bytes = Buffer.from(written)
  const { data } = JSON.parse(decodeUtf8(written) ?? "") as { data: JsonObject }
  if (typeof data.line === "string") return encodeUtf8(data.line)
  if (typeof data.bytes === "string") return parseBase64(data.bytes) ?? new Uint8Array(0)
  // Members of the record may be called so, too; it stands behind all that was put before it.
  const begin = bytes.indexOf(`"data":{"format":"${format}"`)
  const mark = `"${format}":`
  const at = bytes.indexOf(mark, begin + 16 + format.length)
  return bytes.subarray(at + mark.length, -2)
}

/** Whether an event holds a record whole: as it came, as text, in base64, or, if it is an event itself, behind what it got. */
export function holdsRecord(
  event: Buffer,
  record: Buffer,
  beside: readonly Uint8Array[] = [],
): boolean {
  if (event.includes(record) || (record[0] === 0x7b && event.includes(record.subarray(1))))
    return true
  const held = [dataOf(event), ...beside.map((json) => disclosedData(json))]
  return (
    held.some((data) => isRecordIn(data, record)) ||
    beside.some((json) => Buffer.from(json).includes(record))
  )
}

function isRecordIn(data: JsonObject, record: Buffer): boolean {
  const { line, bytes } = data
  if (typeof line === "string" && Buffer.from(line).equals(record)) return true
  return typeof bytes === "string" && Buffer.from(bytes, "base64").equals(record)
}

export function dataOf(event: Uint8Array): JsonObject {
  const { data = {} } = JSON.parse(Buffer.from(event).toString()) as { data?: JsonObject }
  return data
}

/** Of a disclosure: `["salt","data",{…}]`. */
function disclosedData(json: Uint8Array): JsonObject {
  const [, name, value] = JSON.parse(Buffer.from(json).toString()) as [string, string, JsonObject]
  return name === "data" ? value : {}
}

/** What does not hold is a fault of the parser, told with the input. */
export function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}
