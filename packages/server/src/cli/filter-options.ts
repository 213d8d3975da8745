import type { FilterFields } from "@postern/client"
import type { Command } from "commander"

const fields = [
  ["action", "what was done, e.g. invoice.* (a * at the end is a prefix, a comma is or)"],
  ["actor", "who did it: id, or type/id"],
  ["target", "what it was done to: id, or type"],
  ["outcome", "success, failure, denied, error, unknown"],
  ["source", "the system it happened in"],
  ["writer", "SPIFFE ID of the writer"],
  ["text", "words anywhere in the event"],
  ["since", "received at or after this time (RFC 3339)"],
  ["until", "received before this time (RFC 3339)"],
] as const

export type FilterOptions = Partial<Record<(typeof fields)[number][0], string>>

export function addFilterOptions(command: Command): Command {
  for (const [name, help] of fields) command.option(`--${name} <value>`, help)
  return command
}

/** The read API calls the bounds of received time from and to. */
export function filterOf(options: FilterOptions): FilterFields {
  const names: Record<string, string> = { since: "from", until: "to" }
  return Object.fromEntries(
    fields.flatMap(([name]) => {
      const value = options[name]
      return value === undefined ? [] : [[names[name] ?? name, value]]
    }),
  )
}
