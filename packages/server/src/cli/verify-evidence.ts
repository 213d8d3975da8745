import { createReadStream } from "node:fs"
import { PosternError } from "@postern/log/base"
import {
  checkEvidence,
  type EvidenceDisclosure,
  type EvidenceVerdict,
  type Who,
} from "@postern/log/evidence"
import { DisclosedValues, describeValues } from "./disclosed-values.ts"
import { Ending, exitCodes } from "./exit-code.ts"
import type { CommandIo } from "./io.ts"
import { printable } from "./printable.ts"
import type { VerifyTarget } from "./verify-target.ts"

const writersShown = 20

/**
 * Checks an evidence file and prints what it shows. Ends without an error only if it is WITNESSED. Throws Ending for
 * what holds all the same (docs/spec/evidence.md, Verdict). Errors: EVIDENCE_INVALID, CHECK_INCOMPLETE.
 */
export async function verifyEvidence(
  { path, policy, known }: VerifyTarget & { kind: "evidence" },
  { json }: { readonly json?: true },
  io: CommandIo,
): Promise<void> {
  const values = new DisclosedValues()
  const options = { known, onDisclosure: values.take }
  const found = await checkEvidence(createReadStream(path), policy, options)
  const isProven = found.verdict !== "INVALID" && found.verdict !== "UNKNOWN"
  const disclosed = isProven ? values.kept : []
  io.line(
    json ? JSON.stringify({ ...verdictJson(found), disclosed }) : describeVerdict(found, disclosed),
  )
  const [finding] = found.findings
  const first = `${finding?.where}: ${finding?.what}`
  switch (found.verdict) {
    case "WITNESSED":
      return
    case "SIGNED-ONLY":
      throw new Ending(exitCodes.signedOnly)
    case "FORK-EVIDENCE":
      throw new Ending(exitCodes.forked)
    case "INVALID":
      throw new PosternError("EVIDENCE_INVALID", first)
    case "UNKNOWN":
      throw new PosternError("CHECK_INCOMPLETE", first)
  }
}

interface WriterTally {
  readonly writer: string | undefined
  readonly counts: Record<Who, number>
}

/** The verdict as `--json` prints it: who sent what in sums, since a file may hold a million leaves. */
export function verdictJson({ senders: _, ...verdict }: EvidenceVerdict): Record<string, unknown> {
  const writers = talliesOf({ senders: _ }).map(({ writer, counts }) => ({ writer, ...counts }))
  return { ...verdict, writers }
}

/** The verdict in words, with what it does not say. */
export function describeVerdict(
  found: EvidenceVerdict,
  disclosed: readonly EvidenceDisclosure[] = [],
): string {
  const { verdict, findings, origin, size, roots } = found
  const lines = [`verdict      ${verdict}: ${meaning(found)}`]
  for (const { code, where, what } of findings) {
    lines.push(printable(`finding      ${code}: ${where}: ${what}`))
  }
  if (verdict === "INVALID" || verdict === "UNKNOWN") return lines.join("\n")
  lines.push(`origin       ${printable(origin ?? "")}`)
  for (const root of roots) lines.push(`checkpoint   ${size} entries, root ${root}`)
  const names = found.cosigned.map(printable).join(", ")
  if (found.quorumAsked) lines.push(`witnesses    ${names === "" ? "none of the policy's" : names}`)
  if (verdict === "FORK-EVIDENCE") return lines.join("\n")
  lines.push(`shows        ${shown(found)}`)
  lines.push(`entries      ${countsText(found)}`)
  lines.push(...describeValues(found.counts, disclosed))
  for (const { writer, counts } of talliesOf(found).slice(0, writersShown)) {
    lines.push(
      `writer       ${printable(writer ?? "the port itself, or unknown")}: ${tallyText(counts)}`,
    )
  }
  for (const { writer, sha256 } of found.writerKeys) {
    lines.push(
      `writer key   SHA-256 ${sha256} of ${printable(writer ?? "")}: compare it with the writer's certificate`,
    )
  }
  return lines.join("\n")
}

function meaning({ verdict, quorumAsked }: EvidenceVerdict): string {
  switch (verdict) {
    case "WITNESSED":
      return "the entries are in the log, and the witnesses that the policy asks for have seen this log"
    case "SIGNED-ONLY":
      return quorumAsked
        ? "the entries are in the log that the log key signed; too few witnesses of the policy have seen it"
        : "the entries are in the log that the log key signed; the policy asks for no witness"
    case "FORK-EVIDENCE":
      return "the log key signed two histories of one log"
    case "INVALID":
      return "nothing in the file is proven"
    case "UNKNOWN":
      return "the file is larger than what is checked here"
  }
}

function shown({ kind, claim, numberedBy }: EvidenceVerdict): string {
  const { first, count, open, next } = (claim ?? {}) as Readonly<Record<string, number>>
  if (kind === "range") {
    return `entries ${first} to ${(first ?? 0) + (count ?? 0)} of the log, and that there is no other between them`
  }
  if (kind !== "stream") return "these entries; not that there are no others"
  const stream = `the stream that entry ${open} opened, numbers ${first} to ${next}: each is an entry, or recorded as lost or refused`
  return numberedBy === "writer"
    ? `${stream}; the writer numbers its events`
    : `${stream}; the port numbers them, so what never reached it is not missed`
}

function countsText({ counts }: EvidenceVerdict): string {
  const { leaves, writerSigned, portAsserted, unknown } = counts
  return `${leaves}: ${tallyText({ "writer-signed": writerSigned, "port-asserted": portAsserted, unknown })}`
}

function tallyText(counts: Readonly<Record<Who, number>>): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return parts.map(([who, count]) => `${count} ${who}`).join(", ")
}

/** By writer, the one with most entries first. */
function talliesOf({ senders }: Pick<EvidenceVerdict, "senders">): WriterTally[] {
  const tallies = new Map<string | undefined, WriterTally>()
  for (const { writer, who } of senders) {
    let tally = tallies.get(writer)
    if (tally === undefined) {
      tally = { writer, counts: { "writer-signed": 0, "port-asserted": 0, unknown: 0 } }
      tallies.set(writer, tally)
    }
    tally.counts[who] += 1
  }
  const sum = ({ counts }: WriterTally) => Object.values(counts).reduce((all, one) => all + one, 0)
  return [...tallies.values()].sort((a, b) => sum(b) - sum(a))
}
