import { allOf, formatQuery, parseQuery, queryOfFields } from "@postern/log/query"
import type { Command } from "commander"

const conditions = [
  ["action", "what was done, e.g. invoice.* (a * at the end is a prefix, a comma is or)"],
  ["actor", "who did it: id, or type/id"],
  ["target", "what it was done to: id, type, or type/id"],
  ["outcome", "success, failure, denied, error, unknown"],
  ["source", "the system it happened in"],
  ["writer", "SPIFFE ID of the writer"],
  ["text", "words that stand one after the other in the event"],
] as const

const times = [
  ["since", "received at this time or later (RFC 3339)"],
  ["until", "received before this time (RFC 3339)"],
] as const

type Name = (typeof conditions)[number][0] | (typeof times)[number][0]

export type FilterOptions = Readonly<Partial<Record<Name, string>>>

/** Short forms of what a query says (docs/spec/query.md). */
export function addConditions(command: Command): Command {
  for (const [name, help] of conditions) command.option(`--${name} <value>`, help)
  return command
}

/** A search has an end and a beginning; a tail has neither. */
export function addTimes(command: Command): Command {
  for (const [name, help] of times) command.option(`--${name} <time>`, help)
  return command
}

/** The query that was asked for: the text, and the options beside it. Errors: QUERY_INVALID. */
export function queryOf(text: string | undefined, options: FilterOptions): string {
  const given = conditions.flatMap(([name]) => {
    const value = options[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const own = queryOfFields(Object.fromEntries(given))
  const parts = [text ?? "", own].map(parseQuery)
  // What somebody wrote alone stays as it was written.
  if (own === "") return text ?? ""
  return text === undefined ? own : formatQuery(allOf(parts))
}

/** The times that were asked for, as the read API has them. */
export function timesOf({ since, until }: FilterOptions): { since?: string; until?: string } {
  return { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) }
}
