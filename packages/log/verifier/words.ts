import type { EvidenceVerdict, FindingCode } from "@postern/log/evidence"
import type { TrustPolicy } from "@postern/log/tlog"
import { counted } from "./trust.ts"

/** good: holds and witnessed · fair: holds, on the log's word · bad: do not rely on it · unknown: not checked */
export type Tone = "good" | "fair" | "bad" | "unknown"

/** A verdict as a person reads it. Never says more than was proved. */
export interface PlainVerdict {
  readonly tone: Tone
  readonly word: string
  readonly title: string
  readonly lead: string
  readonly shows: readonly string[]
  readonly showsNot: readonly string[]
}

export function plainVerdict(said: EvidenceVerdict, policy: TrustPolicy): PlainVerdict {
  switch (said.verdict) {
    case "WITNESSED":
      return witnessed(said)
    case "SIGNED-ONLY":
      return signedOnly(said, policy)
    case "FORK-EVIDENCE":
      return forkEvidence(said)
    case "INVALID":
      return invalid(said)
    case "UNKNOWN":
      return notChecked(said.findings[0]?.what ?? "it is more than this page takes")
  }
}

/** @param why ends a sentence */
export function notChecked(why: string): PlainVerdict {
  return {
    tone: "unknown",
    word: "UNKNOWN",
    title: "This could not be checked",
    lead: `Nothing is said about the file, neither good nor bad: ${why}.`,
    shows: [],
    showsNot: [],
  }
}

function witnessed(said: EvidenceVerdict): PlainVerdict {
  return {
    tone: "good",
    word: "WITNESSED",
    title: "The evidence holds, and witnesses confirm it",
    lead: `${entriesOf(said)} in the log ${said.origin}, exactly as shown here. The log's key signed this, and the witnesses that your policy asks for saw the same log.`,
    shows: [
      ...holds(said),
      "Those witnesses, if they are honest, have signed no other history of this log.",
    ],
    showsNot: limitsOf(said),
  }
}

function signedOnly(said: EvidenceVerdict, policy: TrustPolicy): PlainVerdict {
  const why = said.quorumAsked
    ? `Your policy asks for more witnesses: ${said.cosigned.length} of the ${policy.witnesses.length} it names signed, and that is not its quorum.`
    : "You asked for no witness."
  const alone =
    "That everybody is shown the same log: whoever holds the log's key could have signed another history for somebody else."
  return {
    tone: "fair",
    word: "SIGNED-ONLY",
    title: "The evidence holds, on the word of the log's key alone",
    lead: `${entriesOf(said)} in the log ${said.origin}, exactly as shown here, as its key signed it. ${why}`,
    shows: holds(said),
    showsNot: [alone, ...limitsOf(said)],
  }
}

function forkEvidence({ origin, size }: EvidenceVerdict): PlainVerdict {
  return {
    tone: "bad",
    word: "FORK-EVIDENCE",
    title: "The log signed two different histories",
    lead: `The key of ${origin} signed two checkpoints of ${counted(size ?? 0, "entry")} that cannot both be true. An honest log never does that, so keep this file: it proves it to anybody who knows the key.`,
    shows: [
      "Whoever holds the log's key signed both checkpoints.",
      "At least one reader of the log can have been shown something else than another.",
    ],
    showsNot: [
      "Which of the two histories is the true one, or what differs between them.",
      "Whether it was done on purpose, by a thief of the key, or by restoring an old copy of the log.",
    ],
  }
}

function invalid({ findings }: EvidenceVerdict): PlainVerdict {
  const [finding] = findings
  const reason = finding === undefined ? "it does not hold" : reasons[finding.code]
  const place = /\d/.test(finding?.where ?? "") ? ` (${finding?.where})` : ""
  return {
    tone: "bad",
    word: "INVALID",
    title: "Do not rely on this file",
    lead: `${reason[0]?.toUpperCase()}${reason.slice(1)}${place}.`,
    shows: [],
    showsNot: [
      "Anything about the entries in it: no part of an invalid file counts.",
      "Who is at fault. A damaged download, a wrong key and a forgery look alike; ask for the file again, and check the key.",
    ],
  }
}

const reasons: Readonly<Record<FindingCode, string>> = {
  gzip: "the packed file is damaged, or something was added to it",
  utf8: "a part of the file is not text",
  line: "a line of the file is not written as the format demands; perhaps this is no evidence file",
  order: "the lines of the file do not stand in the order that the format demands",
  end: "the file was cut short, or changed after it was made",
  count: "the file does not hold as many entries as it says",
  claim: "what the file claims is not written as the format demands",
  note: "the log whose key you gave did not sign this, or a signature on it is wrong",
  key: "the file tells of a newer key of the log, and the proof of that does not hold",
  origin: "the checkpoint in the file is of another log than the file says",
  tree: "an entry, or what ties it to the log, was changed, added or left out",
  disclosure: "a value beside an entry is not the one that the entry names, or is cut off",
  leaf: "an entry is not one that a port would have written",
  range: "entries are missing from the range that the file claims to hold",
  stream: "an event of the stream is missing, and nothing in the log accounts for it",
  fork: "the two checkpoints do not contradict each other, so this proves no fork",
  limit: "the file is larger than this page takes",
}

function entriesOf({ counts }: EvidenceVerdict): string {
  return counts.leaves === 1
    ? "This entry stands"
    : `These ${counted(counts.leaves, "entry")} stand`
}

function holds(said: EvidenceVerdict): string[] {
  const { counts, size } = said
  const whole = `Each entry shown is in the log at its index, unchanged since a checkpoint of ${counted(size ?? 0, "entry")} was signed.`
  const shown = [whole, ...completeness(said)]
  if (counts.writerSigned > 0) {
    const signed = counted(counts.writerSigned, "entry")
    shown.push(`${signed}: the key that the log names as the writer's signed these very bytes.`)
  }
  if (counts.disclosed > 0) {
    const values = counted(counts.disclosed, "value")
    shown.push(`${values} kept beside the log: each is the one whose digest its entry holds.`)
  }
  return shown
}

function completeness({ kind, claim = {}, numberedBy }: EvidenceVerdict): string[] {
  const number = (value: unknown, less = 0) => (Number(value) - less).toLocaleString("en")
  if (kind === "range") {
    const last = number(Number(claim.first) + Number(claim.count), 1)
    return [`From index ${number(claim.first)} to ${last}, nothing of the log is left out.`]
  }
  if (kind !== "stream" || claim.first === claim.next) return []
  const whose = numberedBy === "writer" ? "the writer gave" : "the port gave"
  const run = `Of the numbers ${number(claim.first)} to ${number(claim.next, 1)} that ${whose} to the events of this stream`
  return [`${run}, each is here, or the log itself records that it was lost or refused.`]
}

/** What a whole stream leaves open depends on who counted. */
const streamLimits = {
  writer: "What the writer said in other streams, or what its application never handed over.",
  port: "What was lost before it reached the port: the port numbered these events, so one that never came leaves no hole.",
} as const

function limitsOf({ kind, counts, numberedBy }: EvidenceVerdict): string[] {
  const some = {
    set: [
      "That these are all the entries about a matter: the file is a selection, and others may have been left out.",
    ],
    range: ["What stands in the log before and after this range."],
    stream: [streamLimits[numberedBy ?? "port"]],
    fork: [],
  }[kind ?? "set"]
  const { writerSigned, portAsserted, unknown, withheld, withholding } = counts
  const rest = writerSigned === 0 ? "the entries" : `the other ${counted(portAsserted, "entry")}`
  const asserted = `That the writer itself signed ${rest}: who sent them is the port's statement.`
  const nobody = `Who sent ${counted(unknown, "entry")}: the file does not include what says it.`
  const values = `${counted(withheld, "value")} of ${counted(withholding, "entry")}: kept beside the log, and not handed out with this file.`
  return [
    ...some,
    ...(portAsserted > 0 ? [asserted] : []),
    ...(unknown > 0 ? [nobody] : []),
    ...(withheld > 0 ? [values] : []),
    "That what an entry says is true, or that its clock was right.",
  ]
}
