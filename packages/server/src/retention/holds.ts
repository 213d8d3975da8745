import { encodeUtf8, formatHex, isPosternError, PosternError, sha256 } from "@postern/log/base"
import { parseQuery } from "@postern/log/query"

/** Entries that must not go, whatever their age. */
export interface Hold {
  /** UUID. */
  readonly id: string
  /** docs/spec/query.md */
  readonly query: string
  readonly reason: string
  /** SPIFFE ID. */
  readonly operator: string
  /** RFC 3339. */
  readonly since: string
}

const members = ["id", "query", "reason", "operator", "since"] as const
export const holdsMax = 100
const textMax = 2000

export function formatHolds(holds: readonly Hold[]): string {
  return `${JSON.stringify(holds.map(pick))}\n`
}

/** Errors: LOG_DAMAGED: a hold that cannot be read must not be taken for none. */
export function parseHolds(text: string): Hold[] {
  try {
    const found: unknown = JSON.parse(text)
    if (!Array.isArray(found)) throw new Error("no list")
    return found.map(holdOf)
  } catch (cause) {
    throw new PosternError("LOG_DAMAGED", "the list of holds cannot be read", { cause })
  }
}

/** What an operator asks for. Errors: QUERY_INVALID, REQUEST_INVALID. */
export function readHold(told: unknown): Pick<Hold, "query" | "reason"> {
  const { query, reason } = Object(told) as Readonly<Record<string, unknown>>
  if (typeof query !== "string" || typeof reason !== "string")
    throw new PosternError("REQUEST_INVALID", "a hold has a query and a reason")
  if (query.length > textMax || reason.length > textMax || reason.trim() === "")
    throw new PosternError("REQUEST_INVALID", `query and reason have 1 to ${textMax} characters`)
  parseQuery(query)
  return { query, reason }
}

/** By it a run says which holds it has looked at. */
export function holdsDigest(holds: readonly Hold[]): string {
  return formatHex(sha256(encodeUtf8(formatHolds(holds))))
}

function holdOf(value: unknown): Hold {
  const hold = Object(value) as Readonly<Record<string, unknown>>
  if (members.some((name) => typeof hold[name] !== "string")) throw new Error("no hold")
  const whole = pick(hold as unknown as Hold)
  try {
    parseQuery(whole.query)
  } catch (cause) {
    if (!isPosternError(cause)) throw cause
    throw new Error("no query", { cause })
  }
  return whole
}

function pick({ id, query, reason, operator, since }: Hold): Hold {
  return { id, query, reason, operator, since }
}
