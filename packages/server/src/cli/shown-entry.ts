import type { DisclosedEvent, LogEntry, ProvenEntry } from "@postern/client"
import { formatBase64 } from "@postern/log/base"
import { digestsOf } from "@postern/log/event"
import { printable } from "./printable.ts"

/** An entry and what is known of it. */
export interface ShownEntry {
  readonly entry: LogEntry
  /** Undefined while no checkpoint covers the entry. */
  readonly proven: ProvenEntry | undefined
  /** If it was asked for. */
  readonly disclosed?: DisclosedEvent
}

/** An entry for people: readable first, then where it stands and how it was verified. */
export function describeEntry(
  { entry, proven, disclosed }: ShownEntry,
  withProof: boolean,
): string {
  const { index, received, writer, stream, sequence } = entry
  const { _sd, ...event } = disclosed?.event ?? entry.event
  const { action, outcome, actor, targets, source, time, id, ...rest } = event
  const first = { action, outcome, actor, targets, source, time, id }
  const members = Object.entries({ ...first, ...rest }).map(([name, value]) => {
    return `${printable(name).padEnd(12)} ${textOf(value)}`
  })
  const lines = [
    ...members,
    "",
    `entry        ${index}`,
    `received     ${received} (the port's clock)`,
    `writer       ${printable(writer)} (from its certificate)`,
    `stream       ${stream}, sequence ${sequence}`,
    `verified     ${verdictOf(proven)}`,
    ...besides(entry, disclosed),
  ]
  return [...lines, ...(withProof ? proofLines(entry, proven) : [])].join("\n")
}

/** What is kept beside the log. */
function besides({ event, index }: LogEntry, disclosed: DisclosedEvent | undefined): string[] {
  const named = digestsOf(event).length
  if (named === 0) return []
  if (disclosed === undefined) {
    const where = `${named} kept beside the log`
    return [`values       ${where}, not fetched: postern show ${index} --disclosed`]
  }
  const { fetched, withheld } = disclosed
  const where = `${fetched + withheld.length} kept beside the log`
  const got = `${fetched} fetched, each with the digest that the entry names`
  const lacking = withheld.map(({ digest, state, entry }) => {
    const by = entry === undefined ? "" : `, with entry ${entry}`
    return `             ${state}: ${digest}${by}`
  })
  return [`values       ${where}; ${got}`, ...lacking.map(printable)]
}

function verdictOf(proven: ProvenEntry | undefined): string {
  if (proven === undefined) return "not yet: no checkpoint covers the entry, ask again in a second"
  const { origin, size } = proven.checkpoint
  const hashes = `${proven.path.length} hashes lead from the leaf`
  return `${hashes} to the signed checkpoint of ${printable(origin)} with ${size} entries`
}

function proofLines(entry: LogEntry, proven: ProvenEntry | undefined): string[] {
  const leaf = entry.leaf.split("\n").map(printable)
  const path = proven?.path.map(formatBase64) ?? []
  const note = proven?.note.trimEnd().split("\n").map(printable) ?? []
  return ["", "leaf", ...leaf, "", "audit path", ...path, "", "checkpoint", ...note]
}

function textOf(value: unknown): string {
  return printable(typeof value === "string" ? value : String(JSON.stringify(value)))
}
