import { encodeUtf8, PosternError } from "@postern/log/base"
import type { Seen, SeenMember, TypedId } from "../../policy/rules/index.ts"

/** An event that a policy is tried on: its bytes, and what it says by its members. */
export interface TriedEvent extends Seen {
  readonly bytes: Uint8Array
  readonly source: string
  readonly action: string
  readonly outcome: string
  readonly members: Readonly<Record<string, unknown>>
}

const filled = ["id", "time"] as const
const required = ["source", "action", "outcome"] as const

/**
 * Reads an event as a writer sends it; a missing `id` or `time` is filled in, since no rule asks for them. What the policy said
 * of it in the log is taken away first. Errors: EVENT_SYNTAX, EVENT_MISSING_FIELD.
 */
export function readEventText(text: string): TriedEvent {
  const members = parseObject(text)
  if (members === undefined) throw new PosternError("EVENT_SYNTAX")
  const [source, action, outcome] = required.map((name) => {
    const value = members[name]
    if (typeof value !== "string") throw new PosternError("EVENT_MISSING_FIELD", name)
    return value
  }) as [string, string, string]
  const { _policy, ...rest } = members
  const isWhole = filled.every((name) => name in members)
  const kept = isWhole
    ? withoutMark(text.trim(), _policy, rest)
    : JSON.stringify({ ...stand, ...rest })
  const bytes = encodeUtf8(kept)
  return {
    ...{ bytes, source, action, outcome, members: isWhole ? rest : { ...stand, ...rest } },
    size: bytes.length,
    text(member: SeenMember) {
      const value = rest[member]
      return typeof value === "string" ? value : undefined
    },
    actor: () => typedId(rest.actor),
    targets: () => {
      const { targets } = rest
      return Array.isArray(targets) ? targets.map(typedId).filter((one) => one !== undefined) : []
    },
  }
}

/** Stands for what the port or the SDK fill in. */
const stand = { id: "00000000-0000-0000-0000-000000000000", time: "2026-01-01T00:00:00Z" }

/** The bytes as they are, but for the mark, which the port writes first and without spaces. */
function withoutMark(text: string, mark: unknown, rest: object): string {
  if (mark === undefined) return text
  const head = `{"_policy":${JSON.stringify(mark)},`
  return text.startsWith(head) ? `{${text.slice(head.length)}` : JSON.stringify(rest)
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined // The caller says what was expected.
  }
}

function typedId(value: unknown): TypedId | undefined {
  if (typeof value !== "object" || value === null) return undefined
  const { type, id } = value as Record<string, unknown>
  const text = (one: unknown) => (typeof one === "string" ? one : undefined)
  return { type: text(type), id: text(id) }
}
