import { decodeUtf8, encodeUtf8, formatHex, limits, sha256 } from "@postern/log/base"
import { createCore, rowBytes, rowField, verdictCodes } from "@postern/log/core"
import type { KeptOut } from "@postern/log/event"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import type { Adapter, AdapterRegion, AdapterRun } from "./api.ts"

const bodyMax = 1 << 20
const outMax = 1 << 21
const spansMax = 1024
const rowsMax = 10_000

const core = createCore({ memoryBytes: 1 << 23, leavesMax: 16 })
const bodyAt = core.reserve(bodyMax)
const spansAt = core.reserve(16 * spansMax)
const outAt = core.reserve(outMax)
const rowsAt = core.reserve(rowBytes * rowsMax)

export const now = "2026-11-22T12:00:00.123Z"
export const source = "k8s://test"

export interface Opening {
  readonly contentType?: string
  readonly source?: string
  readonly itemBytesMax?: number
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Puts the body where an adapter reads it, and opens it. Ids are id-0, id-1, … */
export function openBody(adapter: Adapter, body: string | Uint8Array, opening: Opening = {}) {
  const bytes = typeof body === "string" ? encodeUtf8(body) : body
  core.memory.set(bytes, bodyAt)
  // Behind the body: what would make sense, if anybody looked.
  core.memory.fill(0x5d, bodyAt + bytes.length, bodyAt + bytes.length + 64)
  let ids = 0
  return adapter.open({
    core,
    at: bodyAt,
    end: bodyAt + bytes.length,
    contentType: opening.contentType ?? "application/json",
    path: opening.path ?? "",
    headers: { "content-type": opening.contentType ?? "application/json", ...opening.headers },
    spans: spansAt,
    spansMax,
    source: opening.source ?? source,
    sourceOf: (name) => (/^[\w.-]+$/.test(name) ? `app://${name}` : (opening.source ?? source)),
    now,
    itemBytesMax: opening.itemBytesMax ?? limits.disclosureBytesMax,
    keepOut: (item, name, value) => {
      const salt = formatHex(sha256(item)).slice(0, 22)
      const json = encodeDisclosure(salt, name, value)
      return { json, digest: disclosureDigest(json) }
    },
    id: () => `id-${ids++}`,
  })
}

/** One event as it came out of an adapter; `code` is what the scanner says to it, if anything. */
export interface Written {
  readonly text: string
  readonly changed: AdapterRegion["changed"]
  readonly code: string | undefined
  readonly isTooLarge: boolean
  /** What was kept out of it. */
  readonly values: readonly KeptOut[]
}

/** The next region, read back; its bytes stand in `[outAt, outAt + room)`. Undefined at the end. */
export function nextRegion(run: AdapterRun, room = outMax - 64, eventsMax = rowsMax) {
  const canary = 0xa5
  const behind = Math.min(room, outMax - 64)
  core.memory.fill(canary, outAt + behind, outAt + behind + 64)
  // Between two calls the scratch region is somebody else's.
  core.memory.fill(0xff, spansAt, spansAt + 16 * spansMax)
  const region = run.next(outAt, outAt + room, eventsMax)
  if (region === undefined) return undefined
  const touched = core.memory
    .subarray(outAt + behind, outAt + behind + 64)
    .some((byte) => byte !== canary)
  return { region, events: readBack(region), bytes: region.end - outAt, touched }
}

function readBack(region: AdapterRegion): Written[] {
  const count = core.split(outAt, region.end, rowsAt, rowsMax)
  if (count !== region.count) throw new Error(`the region holds ${count}, not ${region.count}`)
  core.scan(rowsAt, count)
  const rows = new DataView(core.memory.buffer, rowsAt, rowBytes * count)
  return Array.from({ length: count }, (_, i) => {
    const offset = rows.getUint32(i * rowBytes + rowField.offset, true)
    const length = rows.getUint32(i * rowBytes + rowField.length, true)
    const verdict = rows.getUint32(i * rowBytes + rowField.verdict, true)
    const bytes = core.memory.slice(offset, offset + length)
    return {
      text: decodeUtf8(bytes) ?? Buffer.from(bytes).toString("latin1"),
      changed: region.changed,
      code: verdict === 0 ? undefined : verdictCodes[verdict],
      isTooLarge: region.tooLarge.includes(i),
      values: region.keptOut.find(({ position }) => position === i)?.values ?? [],
    }
  })
}

/** Everything that comes out of a body. */
export function convert(adapter: Adapter, body: string | Uint8Array, opening: Opening = {}) {
  const run = openBody(adapter, body, opening)
  const events: Written[] = []
  for (let next = nextRegion(run); next !== undefined; next = nextRegion(run)) {
    if (next.events.length === 0) throw new Error("no room for an event")
    events.push(...next.events)
  }
  return events
}

export { core, spansMax }
