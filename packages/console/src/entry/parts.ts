/** What of an event makes a sentence and leads further. Members may have any type: they come from writers. */
type Members = Readonly<Record<string, unknown>>

export interface Party {
  readonly type: string | undefined
  readonly id: string
  readonly name: string | undefined
}

export function partyOf(value: unknown): Party | undefined {
  if (typeof value === "string") return { type: undefined, id: value, name: undefined }
  if (!isRecord(value) || value.id === undefined) return undefined
  return { type: textOf(value.type), id: textOf(value.id) ?? "", name: textOf(value.name) }
}

export function partiesOf(value: unknown): Party[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((item) => partyOf(item) ?? [])
}

/** Where it came from, as far as the writer says. */
export function addressOf(event: Members): string | undefined {
  const { origin } = event
  if (!isRecord(origin)) return undefined
  return textOf(origin.ip ?? origin.address ?? origin.peer ?? origin.host)
}

export interface Relation {
  readonly title: string
  /** Path of the field, and the value that it has here. */
  readonly field: string
  readonly value: string
}

const paths: readonly (readonly [string, string])[] = [
  ["Attempt and result", "trace.pairId"],
  ["Same request", "request.id"],
  ["Same request", "trace.requestId"],
  ["Same run of an agent", "trace.runId"],
  ["Same trace", "trace.id"],
  ["Same trace", "trace.traceId"],
  ["Same session", "actor.session"],
  ["Same session", "actor.sessionId"],
  ["Same session", "origin.session"],
  ["Same session", "origin.sessionId"],
  ["Same session", "data.session"],
  ["Same address", "origin.ip"],
]

/** Questions whose answers hold this entry and what belongs to it. */
export function relationsOf(event: Members, writer: string, stream: number): Relation[] {
  const found = paths.flatMap(([title, field]): Relation[] => {
    const value = textOf(field.split(".").reduce<unknown>(memberOf, event))
    return value === undefined ? [] : [{ title, field, value }]
  })
  const actor = partyOf(event.actor)
  if (actor !== undefined) found.push({ title: "Same actor", field: "actor", value: actor.id })
  for (const target of partiesOf(event.targets).slice(0, 3)) {
    found.push({ title: "Same target", field: "target", value: nameOf(target) })
  }
  if (typeof event.action === "string") {
    found.push({ title: "Same action", field: "action", value: event.action })
  }
  found.push({ title: "Same writer", field: "writer", value: writer })
  found.push({ title: "Same stream", field: "stream", value: String(stream) })
  return found
}

/** `type/id`, or the id alone. */
export function nameOf({ type, id }: Party): string {
  return type === undefined ? id : `${type}/${id}`
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined
}

function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
