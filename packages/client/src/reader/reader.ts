import { PosternError } from "@postern/log/base"
import { type QueryFields, queryOfFields } from "@postern/log/query"
import { type Checkpoint, checkInclusion, parsePolicy } from "@postern/log/tlog"
import { type Profile, profilePath } from "../profile.ts"
import { fileHolder, memoryHolder, type RenewedPair } from "../renewal/index.ts"
import type { Asker } from "./ask.ts"
import {
  askFacets,
  askHistogram,
  askWriters,
  type FacetOptions,
  type Facets,
  type Histogram,
  type HistogramOptions,
  type WriterState,
} from "./counts.ts"
import { type DisclosedEvent, disclose } from "./disclosed.ts"
import {
  addClaim,
  type ClaimedEntry,
  type LogEntry,
  makeEntry,
  openingOf,
  readClaim,
  readHashes,
} from "./entry.ts"
import { openRenewingAsker } from "./reader-renewal.ts"
import { type SearchOptions, search, searchWhole, type WholeAnswer } from "./search.ts"
import { followTail, type TailOptions } from "./tail.ts"
import { demandFresh, Trust } from "./trust.ts"

/**
 * What entries must fulfil: a text in the query language (docs/spec/query.md), or fields that all must have one of the values given,
 * e.g. `{ action: "invoice.*", outcome: "denied,failure" }`. The empty one takes all.
 */
export type Question = string | QueryFields

export interface ReaderOptions {
  /** The newest checkpoint (a note) that was seen before, from wherever onCheckpoint left it: the log must continue it. */
  readonly remembered?: string
  /** Told of each newer checkpoint that was found right. */
  readonly onCheckpoint?: (note: string) => void
  /** What onKeys was told before: keys of the log that were learned, and keys that have ended. */
  readonly rememberedKeys?: string
  /** Told when the log's key has changed, and the change is believed: proofs, one a line. */
  readonly onKeys?: (proofs: string) => void
  /**
   * Told of each new certificate and key (PEM) of this profile, to keep them. A profile in a file is changed there besides. Without it, a
   * profile that was given as an object is not renewed.
   */
  readonly onRenewed?: (renewed: RenewedPair) => void | Promise<void>
  /** Told when little of the certificate's life is left and it was not renewed. Reading goes on. */
  readonly onProblem?: (problem: PosternError) => void
}

export interface ProvenEntry {
  readonly entry: LogEntry
  /** Audit path, RFC 6962 §2.1.1. */
  readonly path: readonly Uint8Array[]
  readonly checkpoint: Checkpoint
  /** The signed note. */
  readonly note: string
}

/**
 * Reads a log and checks every answer against its signed checkpoints. Entries that are newer than the newest checkpoint
 * come with `verified: false`. Errors of all: UNREACHABLE, NOT_GRANTED, NOTE_INVALID, PROOF_INVALID.
 */
export interface Reader {
  /** Newest first unless asked otherwise; asks for further pages as they are consumed. Errors: QUERY_INVALID, REQUEST_INVALID. */
  search(query: Question, options?: SearchOptions): AsyncGenerator<LogEntry, void, undefined>
  /**
   * All entries that a search gives, and whether they were shown to be all there are: no proof of single entries shows that, and only some
   * questions allow it.
   */
  searchWhole(query: Question, options?: SearchOptions): Promise<WholeAnswer>
  /** How many there are over time, by the word of the read port. Errors: QUERY_INVALID, REQUEST_INVALID. */
  histogram(query: Question, options?: HistogramOptions): Promise<Histogram>
  /** Which values they have most often, by the word of the read port. Errors: QUERY_INVALID, REQUEST_INVALID. */
  facets(query: Question, options?: FacetOptions): Promise<Facets>
  /** What the read port has seen of each writer, by its word. */
  writers(): Promise<readonly WriterState[]>
  /** Entries as they become durable. Errors: QUERY_INVALID. */
  tail(query: Question, options?: TailOptions): AsyncGenerator<LogEntry, void, undefined>
  /** Errors: NOT_FOUND. */
  get(index: number): Promise<LogEntry>
  /** As get, with the proof that was checked. Errors: NOT_FOUND also while no checkpoint covers the entry. */
  prove(index: number): Promise<ProvenEntry>
  /**
   * The entry's event with the values that are kept beside the log, each held against its digest in the entry. Values that the port does not
   * have or cannot open stay withheld. Errors: DISCLOSURE_INVALID if it hands out another one.
   */
  disclose(entry: LogEntry): Promise<DisclosedEvent>
  /** The newest checkpoint, consistent with all that this reader saw before. */
  checkpoint(): Promise<Checkpoint>
  close(): void
}

/**
 * Opens a reader. Nothing is asked before the first question. From then on the certificate of a profile in a file is renewed there at half
 * of its life. Errors: PROFILE_INVALID.
 */
export function openReader(
  profile: Profile | string | undefined = process.env.POSTERN_PROFILE,
  options: ReaderOptions = {},
): Reader {
  const { onRenewed, onProblem = () => undefined } = options
  const holder =
    typeof profile === "object"
      ? memoryHolder(profile, onRenewed)
      : fileHolder(profilePath(profile), onRenewed)
  const known = holder.read()
  if (known.role !== "reader") {
    throw new PosternError("PROFILE_INVALID", `it is a ${known.role}'s, not a reader's`)
  }
  const asker = openRenewingAsker(known, holder, onProblem)
  const trust = new Trust(asker, known.log.vkey, options.remembered, options.onCheckpoint, {
    policy: known.policy === undefined ? undefined : parsePolicy(known.policy),
    remembered: options.rememberedKeys,
    learned: options.onKeys,
  })
  return {
    search: (query, own = {}) => search(asker, trust, textOf(query), own),
    searchWhole: (query, own = {}) => searchWhole(asker, trust, textOf(query), own),
    histogram: (query, own = {}) => askHistogram(asker, textOf(query), own),
    facets: (query, own = {}) => askFacets(asker, textOf(query), own),
    writers: () => askWriters(asker),
    tail: (query, own = {}) => followTail(asker, trust, textOf(query), own),
    get: async (index) => (await getEntry(asker, trust, index)).entry,
    async prove(index) {
      const { proven } = await getEntry(asker, trust, index)
      if (proven !== undefined) return proven
      throw new PosternError("NOT_FOUND", `no checkpoint covers entry ${index} yet`)
    },
    disclose: (entry) => disclose(asker, entry),
    async checkpoint() {
      const atLeast = trust.size
      const found = await trust.believe(await asker.text("/checkpoint"))
      demandFresh(found.size, atLeast)
      return found
    },
    close: () => asker.close(),
  }
}

function textOf(question: Question): string {
  return typeof question === "string" ? question : queryOfFields(question)
}

interface EntryAnswer {
  readonly entry?: unknown
  readonly opening?: unknown
  readonly inclusion?: { readonly path?: unknown }
  readonly openingInclusion?: { readonly path?: unknown }
  readonly checkpoint?: unknown
}

/** The entry; with its proof, unless it is newer than every checkpoint. */
export async function getEntry(
  asker: Pick<Asker, "json">,
  trust: Trust,
  index: number,
): Promise<{ entry: LogEntry; proven?: ProvenEntry }> {
  const atLeast = trust.size
  const answer = ((await asker.json(`/v1/entries/${index}`)) ?? {}) as EntryAnswer
  const claim = readClaim(answer.entry)
  if (claim.index !== index) {
    throw new PosternError("PROOF_INVALID", `asked for entry ${index}, got ${claim.index}`)
  }
  const opening = openingIn(answer, claim)
  if (answer.checkpoint === undefined && atLeast === 0) {
    return { entry: makeEntry(claim, opening, false) }
  }
  const checkpoint = await trust.believe(answer.checkpoint)
  demandFresh(checkpoint.size, atLeast)
  if (index >= checkpoint.size) return { entry: makeEntry(claim, opening, false) }
  const path = checkPath(claim, answer.inclusion, checkpoint)
  if (opening !== claim) checkPath(opening, answer.openingInclusion, checkpoint)
  const entry = makeEntry(claim, opening, true)
  return { entry, proven: { entry, path, checkpoint, note: String(answer.checkpoint) } }
}

function openingIn(answer: EntryAnswer, claim: ClaimedEntry): ClaimedEntry {
  const given = new Map([[claim.index, claim]])
  if (claim.stream !== claim.index) addClaim(given, readClaim(answer.opening))
  return openingOf(claim, given)
}

function checkPath(
  { index, hash }: ClaimedEntry,
  inclusion: EntryAnswer["inclusion"],
  { size, root }: Checkpoint,
): Uint8Array[] {
  const path = readHashes(inclusion?.path)
  checkInclusion(index, size, hash, path, root)
  return path
}
