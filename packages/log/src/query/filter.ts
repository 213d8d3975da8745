import { PosternError } from "../base/index.ts"
import { isOutcome, nearestName, outcomes, parseTime } from "../event/index.ts"
import { createNeedle, type Needle } from "./needle.ts"
import { fits, type Pattern, parsePatterns } from "./pattern.ts"

/**
 * What an entry must fulfil; made by parseFilter. All conditions hold, each by one of its patterns.
 */
export interface Filter {
  readonly conditions: readonly Condition[]
  /** Received at or after, microseconds since 1970-01-01 UTC. */
  readonly from: number | undefined
  /** Received before. */
  readonly to: number | undefined
}

export interface Condition {
  readonly field: MatchField
  readonly patterns: readonly Pattern[]
  /**
   * By pattern: bytes that stand in every leaf whose field fits, unless it spells them with
   * escapes.
   */
  readonly needles: readonly Needle[]
}

export type FilterField = (typeof filterFields)[number]
export type MatchField = Exclude<FilterField, "from" | "to">

/** The parameters that parseFilter takes. */
export const filterFields = [
  "action",
  "outcome",
  "source",
  "actor",
  "target",
  "writer",
  "id",
  "text",
  "from",
  "to",
] as const

const valueLengthMax = 4096

/**
 * Reads a filter from request parameters, which are a reader's and may hold anything. The caller
 * has taken its own parameters (limit, cursor) out. Values of a field are alternatives:
 * `invoice.*,user.deleted`; a backslash takes the next character as it is. `text` is looked for in
 * the event's bytes; `from` and `to` are RFC 3339. REQUEST_INVALID names the field and, where one
 * is near, what was meant.
 */
export function parseFilter(parameters: Readonly<Record<string, string>>): Filter {
  const conditions: Condition[] = []
  const times: { from?: number; to?: number } = {}
  for (const [name, value] of Object.entries(parameters)) {
    const field = parseField(name)
    if (typeof value !== "string") throw refused(field, "give it once")
    if (value.length > valueLengthMax) throw refused(field, `at most ${valueLengthMax} characters`)
    if (field === "from" || field === "to") times[field] = parseBound(field, value)
    else conditions.push(parseCondition(field, value))
  }
  const { from, to } = times
  if (from !== undefined && to !== undefined && from >= to) {
    throw refused("from", "it must be before to")
  }
  return { conditions, from, to }
}

function parseField(name: string): FilterField {
  const field = filterFields.find((known) => known === name)
  if (field !== undefined) return field
  const meant = nearestName(name, filterFields)
  const hint =
    meant === undefined ? `fields are ${filterFields.join(", ")}` : `did you mean ${meant}?`
  throw refused(quote(name), `there is no such field; ${hint}`)
}

function parseCondition(field: MatchField, value: string): Condition {
  const patterns = parsePatterns(field, value, field !== "text")
  if (field === "outcome") for (const pattern of patterns) checkOutcome(pattern)
  if (field === "action") for (const pattern of patterns) checkAction(pattern)
  return { field, patterns, needles: patterns.map((pattern) => needleOf(field, pattern)) }
}

/** A value that no event can have is a slip of the pen, and an empty answer would hide it. */
function checkOutcome(pattern: Pattern): void {
  if (outcomes.some((outcome) => fits(pattern, outcome))) return
  const meant = nearestName(pattern.text, outcomes.filter(isOutcome))
  const hint = meant === undefined ? `use ${outcomes.join(", ")}` : `did you mean ${meant}?`
  throw refused("outcome", `${quote(pattern.text)} is none; ${hint}`)
}

function checkAction({ text }: Pattern): void {
  if (/^[a-z0-9._:/-]*$/.test(text)) return
  const plain = text.trim().toLowerCase()
  const hint = /^[a-z0-9._:/-]+$/.test(plain) ? `; did you mean ${plain}?` : ""
  throw refused("action", `${quote(text)} has letters other than a-z 0-9 . _ : / -${hint}`)
}

function parseBound(field: FilterField, value: string): number {
  const time = parseTime(value)
  if (time !== undefined) return time
  const plain = value.trim().toUpperCase()
  const tried = [plain, plain.replace(" ", "T"), plain.replace(/ (?=\d\d:\d\d$)/, "+")]
  const candidates = tried.flatMap((text) => [text, `${text}Z`, `${text}T00:00:00Z`])
  const meant = candidates.find((text) => parseTime(text) !== undefined)
  const plus = meant?.includes("+") ? " (in a URL, + is written %2B)" : ""
  const hint = meant === undefined ? "write 2026-11-22T12:00:00Z" : `did you mean ${meant}?${plus}`
  throw refused(field, `${quote(value)} is not RFC 3339; ${hint}`)
}

/**
 * The bytes to look for before parsing. id, source, action and outcome are never escaped, and so
 * stand between quotes as they are. An actor or target may fit as id, as type or as type/id: then
 * the part behind the last slash is what all three share, or, if that is empty, the part before the
 * first one.
 */
function needleOf(field: MatchField, { text, isPrefix }: Pattern): Needle {
  if (field === "text") return createNeedle(text)
  if ((field !== "actor" && field !== "target") || !text.includes("/")) {
    return createNeedle(isPrefix ? `"${text}` : `"${text}"`)
  }
  const behind = text.slice(text.lastIndexOf("/") + 1)
  if (behind === "") return createNeedle(`"${text.slice(0, text.indexOf("/"))}`)
  return createNeedle(isPrefix ? behind : `${behind}"`)
}

function refused(field: string, reason: string): PosternError {
  return new PosternError("REQUEST_INVALID", `${field}: ${reason}`)
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
