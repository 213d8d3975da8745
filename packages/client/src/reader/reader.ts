import { PosternError } from "@postern/log/base"
import { type Checkpoint, checkInclusion, parsePolicy } from "@postern/log/tlog"
import { loadProfile, type Profile } from "../profile.ts"
import { type Asker, openAsker } from "./ask.ts"
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
import { followTail, type TailOptions } from "./tail.ts"
import { demandFresh, Trust } from "./trust.ts"

/** Conditions of docs/reference/read-api.md, e.g. `{ action: "invoice.*", outcome: "denied" }`. */
export type FilterFields = Readonly<Record<string, string>>

export interface ReaderOptions {
  /** The newest checkpoint (a note) that was seen before, from wherever onCheckpoint left it: the log must continue it. */
  readonly remembered?: string
  /** Told of each newer checkpoint that was found right. */
  readonly onCheckpoint?: (note: string) => void
  /** What onKeys was told before: keys of the log that were learned, and keys that have ended. */
  readonly rememberedKeys?: string
  /** Told when the log's key has changed, and the change is believed: proofs, one a line. */
  readonly onKeys?: (proofs: string) => void
}

export interface SearchOptions {
  /** Entries in all; default 100. */
  readonly limit?: number
  readonly order?: "desc" | "asc"
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
  /** Newest first unless asked otherwise; asks for further pages as they are consumed. Errors: REQUEST_INVALID. */
  search(filter: FilterFields, options?: SearchOptions): AsyncGenerator<LogEntry, void, undefined>
  /** Entries as they become durable. Errors: REQUEST_INVALID. */
  tail(filter: FilterFields, options?: TailOptions): AsyncGenerator<LogEntry, void, undefined>
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

const searchLimit = 100
const pageLimit = 1000

/** Opens a reader. Nothing is asked before the first question. Errors: PROFILE_INVALID. */
export function openReader(
  profile: Profile | string | undefined = process.env.POSTERN_PROFILE,
  options: ReaderOptions = {},
): Reader {
  const known = typeof profile === "object" ? profile : loadProfile(profile)
  if (known.role !== "reader") {
    throw new PosternError("PROFILE_INVALID", `it is a ${known.role}'s, not a reader's`)
  }
  const asker = openAsker(known)
  const trust = new Trust(asker, known.log.vkey, options.remembered, options.onCheckpoint, {
    policy: known.policy === undefined ? undefined : parsePolicy(known.policy),
    remembered: options.rememberedKeys,
    learned: options.onKeys,
  })
  return {
    search: (filter, own = {}) => search(asker, trust, filter, own),
    tail: (filter, own = {}) => followTail(asker, trust, filter, own),
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

/** The pages of a search, one after the other. */
export async function* search(
  asker: Pick<Asker, "json">,
  trust: Trust,
  filter: FilterFields,
  { limit = searchLimit, order = "desc" }: SearchOptions,
): AsyncGenerator<LogEntry, void, undefined> {
  const query = new URLSearchParams({ ...filter, order })
  let last: number | undefined
  for (let left = limit; left > 0; ) {
    query.set("limit", String(Math.min(left, pageLimit)))
    const atLeast = trust.size
    const answer = (await asker.json(`/v1/search?${query}`)) as Readonly<Record<string, unknown>>
    const entries = await trust.readPage(answer, atLeast)
    for (const entry of entries.slice(0, left)) {
      const isNext =
        last === undefined || (order === "asc" ? entry.index > last : entry.index < last)
      if (!isNext) throw new PosternError("PROOF_INVALID", `entry ${entry.index} is out of order`)
      last = entry.index
      yield entry
    }
    left -= entries.length
    if (typeof answer.cursor !== "string") return
    query.set("cursor", answer.cursor)
  }
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
