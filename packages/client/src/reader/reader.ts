import { PosternError } from "@postern/log/base"
import type { Checkpoint } from "@postern/log/tlog"
import { checkInclusion } from "@postern/log/tlog"
import { loadProfile, type Profile } from "../profile.ts"
import { openAsker } from "./ask.ts"
import { type ClaimedEntry, type LogEntry, makeEntry, readClaim, readHashes } from "./entry.ts"
import { followTail, type TailOptions } from "./tail.ts"
import { Trust } from "./trust.ts"

/** Field filters of docs/reference/read-api.md, e.g. `{ action: "invoice.*", outcome: "denied" }`. */
export type FilterFields = Readonly<Record<string, string>>

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

/** Reads a log and checks every answer against its signed checkpoints. Errors of all: UNREACHABLE, NOT_GRANTED, NOTE_INVALID, PROOF_INVALID. */
export interface Reader {
  /** Newest first unless asked otherwise; asks for further pages as they are consumed. */
  search(filter: FilterFields, options?: SearchOptions): AsyncGenerator<LogEntry>
  /** Entries as they become durable. */
  tail(filter: FilterFields, options?: TailOptions): AsyncGenerator<LogEntry>
  /** Errors: NOT_FOUND. */
  get(index: number): Promise<LogEntry>
  /** As get, with the proof that was checked. Errors: NOT_FOUND also while no checkpoint covers the entry. */
  prove(index: number): Promise<ProvenEntry>
  /** The newest checkpoint, consistent with all that this reader saw before. */
  checkpoint(): Promise<Checkpoint>
  close(): void
}

const searchLimit = 100
const pageLimit = 1000

/** Opens a reader. Nothing is asked before the first question. Errors: PROFILE_INVALID. */
export function openReader(
  profile: Profile | string | undefined = process.env.POSTERN_PROFILE,
): Reader {
  const known = typeof profile === "object" ? profile : loadProfile(profile)
  if (known.role !== "reader")
    throw new PosternError("PROFILE_INVALID", `it is a ${known.role}'s, not a reader's`)
  const asker = openAsker(known)
  const trust = new Trust(asker, known.log.vkey)

  async function* search(
    filter: FilterFields,
    options: SearchOptions = {},
  ): AsyncGenerator<LogEntry> {
    let left = options.limit ?? searchLimit
    const query = new URLSearchParams(filter)
    if (options.order !== undefined) query.set("order", options.order)
    while (left > 0) {
      query.set("limit", String(Math.min(left, pageLimit)))
      const answer = (await asker.json(`/v1/search?${query}`)) as Record<string, unknown>
      const entries = await trust.readPage(answer)
      yield* entries.slice(0, left)
      left -= entries.length
      if (answer.complete === true || typeof answer.cursor !== "string") return
      query.set("cursor", answer.cursor)
    }
  }

  async function prove(index: number): Promise<ProvenEntry> {
    const answer = await proveEntry(await asker.json(`/v1/entries/${index}`), index, trust)
    if (answer === undefined)
      throw new PosternError("NOT_FOUND", `no checkpoint covers entry ${index} yet`)
    return answer
  }

  return {
    search,
    tail: (filter, options = {}) => followTail(asker, trust, new URLSearchParams(filter), options),
    async get(index) {
      const answer = await asker.json(`/v1/entries/${index}`)
      const proven = await proveEntry(answer, index, trust)
      return proven?.entry ?? unproven(answer)
    },
    prove,
    checkpoint: async () => trust.believe(await asker.text("/checkpoint")),
    close: () => asker.close(),
  }
}

interface EntryAnswer {
  readonly entry?: unknown
  readonly opening?: unknown
  readonly inclusion?: { readonly path?: unknown }
  readonly openingInclusion?: { readonly path?: unknown }
  readonly checkpoint?: unknown
}

/** Undefined if no checkpoint covers the entry yet. */
async function proveEntry(
  value: unknown,
  index: number,
  trust: Trust,
): Promise<ProvenEntry | undefined> {
  const answer = (value ?? {}) as EntryAnswer
  const claim = readClaim(answer.entry)
  if (claim.index !== index)
    throw new PosternError("PROOF_INVALID", `asked for ${index}, got ${claim.index}`)
  if (answer.inclusion === undefined) return undefined
  const checkpoint = await trust.believe(answer.checkpoint)
  const { size, root } = checkpoint
  const path = readHashes(answer.inclusion.path)
  checkInclusion(index, size, claim.hash, path, root)
  const opening = openingOf(answer, claim)
  if (opening !== claim) {
    checkInclusion(
      opening.index,
      size,
      opening.hash,
      readHashes(answer.openingInclusion?.path),
      root,
    )
  }
  return {
    entry: makeEntry(claim, opening, true),
    path,
    checkpoint,
    note: String(answer.checkpoint),
  }
}

function unproven(value: unknown): LogEntry {
  const answer = value as EntryAnswer
  const claim = readClaim(answer.entry)
  return makeEntry(claim, openingOf(answer, claim), false)
}

function openingOf(answer: EntryAnswer, claim: ClaimedEntry): ClaimedEntry {
  if (claim.stream === claim.index) return claim
  const opening = readClaim(answer.opening)
  if (opening.index === claim.stream) return opening
  throw new PosternError(
    "PROOF_INVALID",
    `the opening of stream ${claim.stream} is not entry ${opening.index}`,
  )
}
