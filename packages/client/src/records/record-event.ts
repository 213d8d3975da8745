import { actionPattern, eventKeys } from "@postern/log/event"
import type { Details } from "../writer/index.ts"
import type { Marking } from "./marking.ts"

export interface RecordEvent {
  readonly action: string
  /** As said; whether that is an event audit() looks. */
  readonly details: Details
}

type Members = Readonly<Record<string, unknown>>
type Member = readonly [name: string, value: unknown]

/** Members that a record marked with `true` lends the event. Others of the same name mean other things in logs, such as `id` or `time`. */
const lentKeys = new Set([
  ...["action", "actor", "target", "targets", "outcome", "category", "op", "severity", "tenant"],
  ...["reason", "changes", "onBehalfOf", "subjects", "trace", "labels"],
])

const actionDefault = "log.record"

/**
 * The event of a marked record. An object under the mark's key has the event's members, and what event v1 does not know goes under `data`; with `true` they
 * stand in the record itself. The rest of the record, message and level too, is kept under `data.log`.
 * @param time of the record, if it says one
 */
export function eventOfRecord(
  record: Members,
  { key }: Marking,
  time: Date | undefined,
): RecordEvent {
  const mark = record[key]
  const isWhole = typeof mark === "object" && mark !== null
  const others = Object.entries(record).filter(([name]) => name !== key)
  const isLent = ([name]: Member): boolean => !isWhole && lentKeys.has(name)
  const marked = isWhole ? Object.entries(mark) : others.filter(isLent)
  // Objects from entries have every name of their own; an assignment to __proto__ would lose one.
  const log = Object.fromEntries(others.filter((member) => !isLent(member)))
  const extras = Object.fromEntries(marked.filter((member) => !isKnown(member)))
  const { action, data, ...details } = Object.fromEntries(marked.filter(isKnown))
  const isAction = typeof action === "string" && actionPattern.test(action)
  if (action !== undefined && !isAction) extras.action = action
  const own = typeof data === "object" && data !== null ? data : data === undefined ? {} : { data }
  return {
    action: isAction ? action : actionDefault,
    details: { time, ...details, data: { ...extras, ...own, log } } as Details,
  }
}

function isKnown([name]: Member): boolean {
  return name === "target" || Object.hasOwn(eventKeys, name)
}
