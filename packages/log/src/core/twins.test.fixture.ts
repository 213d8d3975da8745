import { type Core, createCore, needlesBytesMax, rowBytes, rowField, verdicts } from "./index.ts"

/** Both cores with the same regions at hand, for the tests of this room. */
export interface Desk {
  readonly core: Core
  readonly view: DataView
  readonly text: number
  readonly rows: number
  readonly spans: number
  readonly records: number
  readonly leaves: number
  readonly levels: number
  readonly frontier: number
  readonly seed: number
  readonly out: number
  readonly table: number
  readonly needles: number
}

export const textMax = 400_000
export const rowsMax = 1024
export const leavesMax = 200

function createDesk(kind: Core["kind"]): Desk {
  const core = createCore({ memoryBytes: 2 ** 22, leavesMax }, kind)
  return {
    core,
    view: new DataView(core.memory.buffer),
    text: core.reserve(textMax),
    rows: core.reserve(rowsMax * rowBytes),
    spans: core.reserve(rowsMax * 16),
    records: core.reserve(textMax),
    leaves: core.reserve(rowsMax * 8),
    levels: core.reserve(core.levelsBytes),
    frontier: core.reserve(64 * 32),
    seed: core.reserve(16),
    out: core.reserve(64),
    table: core.reserve(core.tableBytes),
    needles: core.reserve(needlesBytesMax),
  }
}

export const desks: readonly Desk[] = [createDesk("wasm"), createDesk("plain")]

export const fieldNames = ["id", "time", "source", "action", "outcome"] as const
export type FieldName = (typeof fieldNames)[number]

export interface Scanned {
  readonly verdict: string
  readonly position: number
  readonly fields: Readonly<Record<FieldName, string>>
}

/** What stands in memory behind an event: somebody else's bytes. */
export type Behind = string | Uint8Array

const verdictNames = new Map<number, string>(
  Object.entries(verdicts).map(([name, number]) => [number, name]),
)

/**
 * The event's verdict by both cores, which must agree. `behind` stands behind the event, where
 * somebody else's bytes may stand; it must make no difference, so each event is scanned before
 * several of them.
 */
export function scan(event: Uint8Array, behinds: readonly Behind[] = ["", '"}]}']): Scanned {
  const results = desks.flatMap((desk) => behinds.map((behind) => scanAt(desk, event, behind)))
  const [first, ...others] = results
  if (first === undefined) throw new Error("nothing was scanned")
  for (const other of others) {
    if (JSON.stringify(other) !== JSON.stringify(first)) {
      const shown = Buffer.from(event).toString("latin1")
      throw new Error(`${shown}: ${JSON.stringify(first)} against ${JSON.stringify(other)}`)
    }
  }
  return first
}

function scanAt(desk: Desk, event: Uint8Array, behind: Behind): Scanned {
  const { core, view, text, rows } = desk
  core.memory.fill(0xaa, rows, rows + rowBytes)
  core.memory.set(event, text)
  core.memory.fill(0, text + event.length, text + event.length + 256)
  core.memory.set(typeof behind === "string" ? bytesOf(behind) : behind, text + event.length)
  view.setUint32(rows + rowField.offset, text, true)
  view.setUint32(rows + rowField.length, event.length, true)
  const refused = core.scan(rows, 1)
  const verdict = view.getUint32(rows + rowField.verdict, true)
  if (refused !== Number(verdict !== 0)) throw new Error("the count of refused rows is wrong")
  if (view.getUint32(rows + 56, true) + view.getUint32(rows + 60, true) !== 0) {
    throw new Error("the rest of the row is not zero")
  }
  const field = (name: FieldName): string => {
    const at = view.getUint32(rows + rowField[name], true)
    const length = view.getUint32(rows + rowField[name] + 4, true)
    return Buffer.from(core.memory.subarray(at, at + length)).toString()
  }
  return {
    verdict: verdictNames.get(verdict) ?? String(verdict),
    position: view.getUint32(rows + rowField.position, true),
    fields: {
      id: field("id"),
      time: field("time"),
      source: field("source"),
      action: field("action"),
      outcome: field("outcome"),
    },
  }
}

export const goodEvent = {
  id: "01JD9Z6P7Q",
  time: "2026-11-22T12:00:00.123Z",
  source: "app://billing",
  action: "invoice.deleted",
  outcome: "success",
  actor: { type: "user", id: "alice" },
  targets: [{ type: "invoice", id: "4711" }],
}

export const goodText = JSON.stringify(goodEvent)

/** The good event with members put before its closing brace. */
export const withMore = (members: string): string => `${goodText.slice(0, -1)},${members}}`

/** The good event with a value (JSON text) where the scanner looks at syntax and depth only. */
export const inData = (value: string): string => withMore(`"data":{"x":${value}}`)

/** The good event with another value (JSON text) of one of its fields. */
export function withField(name: keyof typeof goodEvent, json: string): string {
  return goodText.replace(`"${name}":${JSON.stringify(goodEvent[name])}`, () => `"${name}":${json}`)
}

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

/** What JSON.parse says about strict UTF-8; undefined if it is none of that. */
export function parseStrictly(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    return { value: JSON.parse(decoder.decode(bytes)) }
  } catch {
    return undefined // Both throw for one reason only, and that is the answer.
  }
}
