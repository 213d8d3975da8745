import type { Peer } from "../../acceptor/index.ts"
import type { ReaderGrant } from "../../access/index.ts"
import type { DisclosureSource } from "../../disclosures/index.ts"
import type { LogView } from "../../disk/index.ts"
import type { BatchSlots } from "../../evidence/index.ts"
import type { SearchIndex } from "../index/index.ts"
import type { ConsoleFiles } from "./console.ts"
import type { HouseView } from "./house.ts"
import type { MirrorState } from "./mirrors.ts"

/** Everything the read API needs of the outside. It opens nothing itself. */
export interface ReadWorld {
  readonly view: LogView
  readonly index: SearchIndex
  readonly slots: RawSlots
  /** The batch tables, for evidence about streams. */
  readonly batches: BatchSlots
  /** Values that are kept beside the log. */
  readonly disclosures: DisclosureSource
  readonly recorder: Recorder
  /** The pages that a browser is given. */
  readonly console: ConsoleFiles
  /** Writers, port, access and storage, for whoever looks after the installation. */
  readonly house: HouseView
  /** What this peer may see now; asked for every request and, while a tail runs, at each of its steps. */
  grantOf(peer: Peer): ReaderGrant | undefined
  /** Digest of the access list in force. */
  accessDigest(): string
  /** A new certificate (PEM) for this request (PKCS#10, DER). Errors: those of a renewal (docs/spec/wire.md). */
  renew(peer: Peer, request: Uint8Array): Promise<string>
  /** Milliseconds of a clock that never goes back; for budgets and deadlines only. */
  elapsedMs(): number
  /** Milliseconds since the epoch, for what is shown. */
  now(): number
  /** Told of each word of a mirror: how far all of them are. */
  onMirrors(states: readonly MirrorState[]): void
  readonly limits: ReadLimits
  /** One line for the operator; `facts` are printable and bounded. */
  log(message: string, facts: Readonly<Record<string, string | number>>): void
}

/** The slots of the log as they stand on disk. */
export interface RawSlots {
  /** A cursor before slot number `slot`. Errors: NOT_FOUND if that is not the next one nor an older one, LOG_DAMAGED. */
  open(slot: number): Promise<SlotCursor>
}

export interface SlotCursor {
  /**
   * What comes next, up to the head: about `bytesMax` bytes, but one slot at least; nothing if the head is reached. The
   * views are the caller's. Errors: LOG_DAMAGED.
   */
  next(bytesMax: number): Promise<readonly SlotPiece[]>
  close(): Promise<void>
}

export type SlotPiece =
  | { readonly kind: "segment"; readonly first: number; readonly start: Uint8Array }
  | {
      readonly kind: "slot"
      readonly slot: number
      readonly first: number
      readonly entries: number
      readonly bytes: Uint8Array
    }

/** Where reads are written down. Nothing that was not recorded leaves the process. */
export interface Recorder {
  /**
   * Resolves once the record is on stable storage here and will reach the log. Rejects if it could not be kept.
   * `question` may hold text of the peer, bounded by the size of a request header.
   */
  record(read: Read): Promise<void>
}

export interface Read {
  readonly action:
    | "postern.read"
    | "postern.tail.opened"
    | "postern.tail.closed"
    | "postern.mirror.opened"
    | "postern.mirror.confirmed"
    | "postern.mirror.closed"
    | "postern.evidence"
  /** SPIFFE ID of who asks. */
  readonly reader: string
  /** Remote address and port. */
  readonly from: string
  readonly what:
    | "entries"
    | "search"
    | "counts"
    | "show"
    | "disclosure"
    | "tail"
    | "bundle"
    | "slots"
    | "evidence"
  /** The request as it was sent: path and query. */
  readonly question: string
  /** What is known when the record is written: tree size, where a follow-up page goes on, counts of a tail. */
  readonly facts: Readonly<Record<string, string | number>>
}

export interface ReadLimits {
  readonly pageEntries: number
  readonly pageEntriesMax: number
  /** Leaf bytes in one answer, apart from the openings; the first entry is always given. */
  readonly pageBytesMax: number
  /** Budget of one search request. */
  readonly scanEntriesMax: number
  readonly scanMs: number
  /** Searches that run at a time, over all readers. */
  readonly scansMax: number
  /** Histograms and facets that are counted at a time, over all readers. */
  readonly countsMax: number
  /** How long a count waits for an index that is a little behind. */
  readonly indexWaitMs: number
  /** Evidence files that are made at a time, over all readers: for one of a stream much of the log is read. */
  readonly evidenceMax: number
  readonly tailsMax: number
  readonly tailsPerReaderMax: number
  readonly heartbeatMs: number
  /** A tail whose viewer takes nothing for this long is closed. */
  readonly stuckMs: number
  /** Entries that a tail sends ahead of the newest checkpoint; then it waits for one. */
  readonly unprovenMax: number
  /** Longest wait for a record. */
  readonly recordMs: number
  /** One record stands for so many entry bundles, or counts of one question, taken within so long. */
  readonly readsPerRecord: number
  readonly readWindowMs: number
  /** Openings of streams that are kept in memory. */
  readonly openingsMax: number
}

export const readLimits: ReadLimits = {
  pageEntries: 100,
  pageEntriesMax: 1000,
  pageBytesMax: 4_194_304,
  scanEntriesMax: 200_000,
  scanMs: 500,
  scansMax: 8,
  countsMax: 16,
  indexWaitMs: 250,
  evidenceMax: 2,
  tailsMax: 128,
  tailsPerReaderMax: 16,
  heartbeatMs: 15_000,
  stuckMs: 30_000,
  unprovenMax: 4096,
  recordMs: 10_000,
  readsPerRecord: 256,
  readWindowMs: 60_000,
  openingsMax: 4096,
}

/** What was answered, counted. Checkpoints, hash tiles and proofs are only counted, never recorded. */
export interface ReadCounters {
  checkpoints: number
  tiles: number
  bundles: number
  proofs: number
  questions: number
  entries: number
  disclosures: number
  tails: number
  pages: number
  surveys: number
  refused: number
  unrecorded: number
}

export function zeroCounters(): ReadCounters {
  return {
    checkpoints: 0,
    tiles: 0,
    bundles: 0,
    proofs: 0,
    questions: 0,
    entries: 0,
    disclosures: 0,
    tails: 0,
    pages: 0,
    surveys: 0,
    refused: 0,
    unrecorded: 0,
  }
}
