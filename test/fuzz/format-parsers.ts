import { encodeUtf8 } from "@postern/log/base"
import {
  type ForeignEvent,
  type Format,
  formats,
  parseMapping,
  writeEvent,
} from "../../packages/server/src/formats/index.ts"
import { samples } from "../../packages/server/src/formats/samples.test.support.ts"
import { defaults, demand, originalOf, verdictOf, world } from "./event-desk.ts"
import { type Parser, parserOf, placeless } from "./parser.ts"

const lineFeed = 0x0a
/** What goes on for longer than this goes on in the same way, and to look at each event takes longer than to make it. */
const recordsMax = 10_000

/** Records of an input: what stands between its line feeds, of which records hold none. */
function recordsOf(input: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = []
  let from = 0
  for (let at = input.indexOf(lineFeed); at >= 0; at = input.indexOf(lineFeed, from)) {
    records.push(input.subarray(from, at))
    from = at + 1
    if (records.length === recordsMax) return records
  }
  return [...records, input.subarray(from)]
}

/** Reads records one after the other; each event must be one that the port takes, and all originals together the records. */
function read(format: Format, records: readonly Uint8Array[]): object[] {
  const decoder = format.open(world)
  const kept: Buffer[] = []
  const members: object[] = []
  const give = (event: ForeignEvent): void => {
    const written = writeEvent(event, defaults)
    const verdict = verdictOf(written)
    demand(verdict === "accepted", `an event is ${verdict}`)
    const original = event.isEvent ? event.original : originalOf(written, event.format)
    demand(Buffer.compare(original, event.original) === 0, "an original is not what was written")
    kept.push(Buffer.from(original))
    members.push(Object.keys(event.members).sort())
  }
  for (const record of records) {
    // The memory is somebody else's as soon as take() has returned.
    const lent = Buffer.from(record)
    decoder.take(lent, give)
    lent.fill(0x20)
  }
  decoder.end(give)
  if (format.name === "cloudtrail") demandElements(records, kept)
  else demand(sortedLines(kept) === sortedLines(records), "a record was lost or changed")
  return members
}

/** The events of several records may come in another order, and several records be one event. */
function sortedLines(of: readonly Uint8Array[]): string {
  const lines = of.flatMap((bytes) => Buffer.from(bytes).toString("latin1").split("\n"))
  return lines.sort().join("\n")
}

/** A file of CloudTrail is a record that becomes several events, each with an element of it. */
function demandElements(records: readonly Uint8Array[], kept: readonly Buffer[]): void {
  const rest = [...kept]
  for (const record of records) {
    const whole = Buffer.from(record)
    const elements = elementCount(whole)
    if (rest[0]?.equals(whole)) {
      rest.shift()
      continue
    }
    demand(elements !== undefined && elements > 0, "a record was lost")
    for (const element of rest.splice(0, elements)) {
      demand(whole.includes(element), "an element was changed")
    }
  }
  demand(rest.length === 0, "there are events of no record")
}

function elementCount(record: Buffer): number | undefined {
  try {
    const { Records } = JSON.parse(record.toString()) as { Records?: unknown[] }
    return Array.isArray(Records) ? Records.length : undefined
  } catch {
    return undefined // No JSON, which is the answer.
  }
}

const odd = ["", "{", "{}", "[]", '{"a":1}', "\ufeff{}", "<13>", '"', "\u0000", '{"Records":[]}']

/** One parser for each of the formats. None refuses anything: what cannot be read is an event that says so. */
const formatParsers: readonly Parser[] = [...formats.values()].map((format) => {
  const known = (samples[format.name] ?? []).map(encodeUtf8)
  const together = encodeUtf8([...(samples[format.name] ?? []), ...odd].join("\n"))
  return parserOf({
    name: `format-${format.name}`,
    codes: [],
    seeds: [together, ...known],
    parse: (input: Uint8Array) => read(format, recordsOf(input)),
  })
})

const mapping = `name: shop
title: the shop's own log
prefix: shop
id: /meta/id
time: {at: /when, unit: seconds}
action: /event
outcome: {at: /status, table: {"200": success, "403": denied}, otherwise: failure}
actor:
  type: {at: /who/kind, table: {person: user}, otherwise: unknown}
  id: /who/id
  name: /who/name
onBehalfOf:
  - {type: {value: user}, id: /who/for}
targets:
  - {type: {value: order}, id: /orders/0/no}
severity: /level
reason: {message: /error}
origin: {ip: /a~1b/c~0d}
trace: {pairId: /call, phase: {at: /step, table: {begin: attempt, end: result}}}
data: {tries: /tries, test: /test}
`
const mapped = [
  '{"meta":{"id":"m-1"},"when":1795428000.25,"event":"Order Deleted","status":403,"who":{"kind":"person",',
  '"id":"alice","name":"Alice","for":"bob"},"orders":[{"no":7}],"level":"high","error":"no","a/b":{"c~d":"x"},',
  '"call":"c-1","step":"begin","tries":3,"test":false}',
].join("")
const mappedRecords = [mapped, '{"event":"x","who":7,"orders":{}}', "{}", "x", "{"].map(encodeUtf8)

/** A mapping is somebody's text, and what it makes of records must be as good as what the formats here make. */
async function readMapping(text: string): Promise<unknown> {
  return read(await parseMapping(text), mappedRecords)
}

const mappingParser = parserOf({
  name: "mapping",
  codes: ["MAPPING_INVALID"],
  seeds: [
    mapping,
    "{name: s, action: /e, outcome: /o}",
    "name: s\naction: {at: /e, table: {a: opened}}\ntime: /t\n",
  ],
  bad: [
    ...["", "name: s", "name: s\naction: x\n", "name: vault\naction: /x\n", "[]", "null", "- x"],
    ...["name: s\naction: /x\naction: /y\n", "name: s\naction: /x\n__proto__: {value: x}\n"],
    `name: s\naction: /${"x".repeat(600)}\n`,
    `name: s\naction: /x\ntitle: ${"y".repeat(70_000)}\n`,
    // What stands for a thousand times itself.
    "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nname: s\naction: /x\ndata: *b\n",
    `name: s\naction: ${"[".repeat(5_000)}\n`,
    `name: s\naction: !!js/function "x"\n`,
  ],
  parse: placeless(readMapping),
})

export const sourceFormatParsers: readonly Parser[] = [...formatParsers, mappingParser]
