import { formatTime, type JsonObject, type Outcome } from "@postern/log/event"
import type { ForeignEvent, ForeignMembers, Format, FormatWorld, Party } from "./api.ts"
import { recogniseText } from "./contents.ts"
import { said, textOf, unknownActor, unreadable } from "./members.ts"
import type { Piece } from "./pieces.ts"
import { isObject, readText } from "./record.ts"
import { actionOf, listMax } from "./texts.ts"
import { readTime, zoneData } from "./times.ts"

/**
 * What log shippers (Fluent Bit, Vector, Fluentd) make of a line: an object with a time, and the line itself or its members. A line of
 * a source that is known is read as what it is.
 */
export const records: Format = {
  name: "records",
  title: "records of log shippers, as JSON, and the lines that they carry",
  of: "json",
  recognisedBy: "not by itself: it is what /v1/records takes",
  open: (world) => ({
    take: (original, give) => readRecord(original, world, give),
    end: () => undefined,
  }),
}

function readRecord(
  original: Uint8Array,
  world: FormatWorld,
  give: (event: ForeignEvent) => void,
): void {
  const { text } = readText(original)
  const known = text === undefined ? undefined : recogniseText(text)
  if (known === undefined) {
    give({ members: unreadable("records"), format: "records", original, isJson: false })
    return
  }
  const { format, value } = known
  if (format.name === "json" && value !== undefined) {
    give({ members: membersOf(value, world), format: "records", original, isJson: true })
    return
  }
  // A shipper that reads JSON lines puts its time beside their members.
  const decoder = format.open(world)
  decoder.take(original, give)
  decoder.end(give)
}

const lineKeys = ["log", "message", "msg"] as const

function membersOf(value: JsonObject, world: FormatWorld): ForeignMembers {
  const line = lineKeys.map((key) => value[key]).find((one) => typeof one === "string")
  const carried = line === undefined ? undefined : readLine(line.replace(/[\r\n]+$/, ""), world)
  if (carried === undefined) return ownMembers(value)
  const outer = ownMembers(value)
  const { time = outer.time, severity = outer.severity, origin = outer.origin } = carried.members
  const { timeZone, ...more } = (outer.data ?? {}) as { timeZone?: string }
  const zone = carried.members.time === undefined && timeZone !== undefined ? { timeZone } : {}
  return {
    ...carried.members,
    ...(time === undefined ? {} : { time }),
    ...(severity === undefined ? {} : { severity }),
    ...(origin === undefined ? {} : { origin }),
    data: { ...zone, ...more, ...carried.members.data, contents: carried.format },
  }
}

interface Carried {
  readonly members: ForeignMembers
  /** Name of the format that read it. */
  readonly format: string
}

/** Undefined for a line that no format knows. One line is all that there is of it: what goes on in another record is another event. */
function readLine(text: string, world: FormatWorld): Carried | undefined {
  const known = recogniseText(text)
  if (known === undefined) return undefined
  const { format, value } = known
  if (format.name === "json" && value !== undefined) {
    return { members: ownMembers(value), format: "json" }
  }
  let found: ForeignMembers | undefined
  const keep = (members: ForeignMembers): void => {
    found ??= members
  }
  const piece: Piece = { text, original: new Uint8Array(0), from: "", ...(value && { value }) }
  const reader = format.read<Piece>(world)
  if (!reader.take(piece, keep)) return undefined
  reader.end(keep)
  return found === undefined ? undefined : { members: found, format: format.name }
}

const outcomes: readonly unknown[] = ["success", "failure", "denied", "error", "unknown"]

/** What a record says in the words of event v1, or in those that shippers use. */
function ownMembers(value: JsonObject): ForeignMembers {
  const { action, outcome, actor, targets, id } = value
  const said = timeOf(value)
  const severity = textOf(value.severity) ?? textOf(value.level)
  const host = textOf(value.host) ?? textOf(value.hostname)
  const isAudit = textOf(action) !== undefined && isParty(actor)
  return {
    // Of other records nobody knows what their id names.
    ...(isAudit && typeof id === "string" && id !== "" ? { id } : {}),
    ...(said === undefined ? {} : { time: said.time }),
    action: actionOf(textOf(action) ?? "records.record"),
    outcome: outcomes.includes(outcome) ? (outcome as Outcome) : "unknown",
    actor: isParty(actor) ? partyOf(actor) : unknownActor,
    targets: Array.isArray(targets) ? targets.slice(0, listMax).filter(isParty).map(partyOf) : [],
    ...(severity === undefined ? {} : { severity }),
    ...(host === undefined ? {} : { origin: { host } }),
    ...(said === undefined ? {} : { data: zoneData(said) }),
  }
}

function isParty(value: unknown): value is Party {
  return isObject(value) && textOf(value.type) !== undefined && textOf(value.id) !== undefined
}

function partyOf({ type, id, name }: Party): Party {
  return { type: textOf(type) ?? "", id: textOf(id) ?? "", ...said({ name: textOf(name) }) }
}

const timeKeys = ["date", "@timestamp", "timestamp", "time"] as const
/** Of a time as a number: from here on it counts milliseconds; in seconds that would be the year 5138. */
const millisecondsFrom = 1e11
const microsecondsMax = 253_402_300_800_000_000

function timeOf(value: JsonObject) {
  for (const key of timeKeys) {
    const time = value[key]
    const read = typeof time === "string" ? readTime(time) : readNumber(time)
    if (read !== undefined) return read
  }
  return undefined
}

function readNumber(time: unknown) {
  if (typeof time !== "number" || !(time > 0)) return undefined
  const microseconds = Math.round(time * (time < millisecondsFrom ? 1e6 : 1e3))
  if (microseconds >= microsecondsMax) return undefined
  return { time: formatTime(microseconds), hasZone: true }
}
