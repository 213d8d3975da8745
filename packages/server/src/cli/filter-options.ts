import type { FilterFields } from "@postern/client"
import type { Command } from "commander"

const conditions = [
  ["action", "what was done, e.g. invoice.* (a * at the end is a prefix, a comma is or)"],
  ["actor", "who did it: id, or type/id"],
  ["target", "what it was done to: id, type, or type/id"],
  ["outcome", "success, failure, denied, error, unknown"],
  ["source", "the system it happened in"],
  ["writer", "SPIFFE ID of the writer"],
  ["text", "stands anywhere in the event"],
] as const

const times = [
  ["since", "received at this time or later (RFC 3339)"],
  ["until", "received before this time (RFC 3339)"],
] as const

type Name = (typeof conditions)[number][0] | (typeof times)[number][0]

export type FilterOptions = Readonly<Partial<Record<Name, string>>>

/** Options for the conditions of docs/reference/read-api.md, Filters. */
export function addConditions(command: Command): Command {
  for (const [name, help] of conditions) command.option(`--${name} <value>`, help)
  return command
}

/** A search has an end and a beginning; a tail has neither. */
export function addTimes(command: Command): Command {
  for (const [name, help] of times) command.option(`--${name} <time>`, help)
  return command
}

/** The filter that was asked for, as the read API names its parameters. */
export function filterOf(options: FilterOptions): FilterFields {
  const names = [...conditions, ...times].map(([name]) => name)
  const given = names.flatMap((name) => {
    const value = options[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(given)
}
