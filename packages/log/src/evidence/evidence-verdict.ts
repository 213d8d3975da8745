import type { EvidenceKind } from "./evidence-line.ts"
import type { Finding } from "./finding.ts"

/** UNKNOWN: the file goes beyond what this verifier takes, so nothing is said about it. */
export type Verdict = "WITNESSED" | "SIGNED-ONLY" | "FORK-EVIDENCE" | "INVALID" | "UNKNOWN"

/**
 * Who answers for a leaf's bytes: the writer's own signature, or the port, which says that this
 * writer sent them. Unknown: the file does not show whose stream it is.
 */
export type Who = "writer-signed" | "port-asserted" | "unknown"

export interface LeafSender {
  readonly index: number
  readonly who: Who
  /** SPIFFE ID, as the port says; undefined if the port itself wrote the entry, or it is unknown. */
  readonly writer: string | undefined
}

/** The key behind "writer-signed", for comparing with the writer's own certificate. */
export interface WriterKey {
  readonly writer: string | undefined
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly sha256: string
}

/** What came of checking an evidence file. Nothing beside the verdict counts if it is INVALID. */
export interface EvidenceVerdict {
  readonly verdict: Verdict
  /** Why it is INVALID or UNKNOWN; empty otherwise. */
  readonly findings: readonly Finding[]
  readonly origin: string | undefined
  readonly kind: EvidenceKind | undefined
  readonly claim: Readonly<Record<string, unknown>> | undefined
  /**
   * Who numbers the events of the stream: only where its writer does can a missing number tell that an event was
   * dropped before the port numbered it. Undefined for other kinds.
   */
  readonly numberedBy: "writer" | "port" | undefined
  /** Of the checkpoint, or of both of a fork. */
  readonly size: number | undefined
  /** Base64; two of a fork. */
  readonly roots: readonly string[]
  /** Witnesses of the policy whose cosignature is right. */
  readonly cosigned: readonly string[]
  /** Whether the policy asks for a quorum. */
  readonly quorumAsked: boolean
  /** Of the leaves, in their order. */
  readonly senders: readonly LeafSender[]
  readonly writerKeys: readonly WriterKey[]
  readonly counts: EvidenceCounts
}

export interface EvidenceCounts {
  readonly leaves: number
  readonly context: number
  readonly hashes: number
  readonly writerSigned: number
  readonly portAsserted: number
  readonly unknown: number
  /** Values that the leaves name by digest: those in the file, those that are not, and the leaves of these. */
  readonly disclosed: number
  readonly withheld: number
  readonly withholding: number
}

const nothingCounted: EvidenceCounts = {
  leaves: 0,
  context: 0,
  hashes: 0,
  writerSigned: 0,
  portAsserted: 0,
  unknown: 0,
  disclosed: 0,
  withheld: 0,
  withholding: 0,
}

export const nothingProven: Omit<EvidenceVerdict, "verdict" | "findings"> = {
  origin: undefined,
  kind: undefined,
  claim: undefined,
  numberedBy: undefined,
  size: undefined,
  roots: [],
  cosigned: [],
  quorumAsked: false,
  senders: [],
  writerKeys: [],
  counts: nothingCounted,
}
