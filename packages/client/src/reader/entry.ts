import { encodeUtf8, equalBytes, PosternError, parseBase64 } from "@postern/log/base"
import { type Changed, type Entry, formatTime, parseEntry } from "@postern/log/event"
import { leafHash } from "@postern/log/tlog"

/** An entry as a reader sees it. Everything follows from `leaf`; what the port says beside it is not believed. */
export interface LogEntry {
  readonly index: number
  /** RFC 3339 with microseconds, by the port's clock. */
  readonly received: string
  /** SPIFFE ID of the writer, from the opening entry of its stream; the log's own name for the port's entries. */
  readonly writer: string
  /** Index of the entry that opened the stream. */
  readonly stream: number
  readonly sequence: number
  readonly changed: Changed
  /** The exact bytes that were hashed, as text: stamp, LF, event. */
  readonly leaf: string
  readonly event: Readonly<Record<string, unknown>>
  /** Whether a proof led from the leaf, and from the opening that names the writer, to a signed checkpoint. */
  verified: boolean
}

/** An entry of an answer, before it is believed. */
export interface ClaimedEntry {
  readonly index: number
  readonly leaf: string
  readonly hash: Uint8Array
  readonly entry: Entry
  /** Index of the entry that opened its stream; not above its own. */
  readonly stream: number
  /** Whether entries may name it as the one that opened their stream. */
  readonly opensStream: boolean
}

/** @throws PosternError PROOF_INVALID · ENTRY_SYNTAX for a leaf that no port would write */
export function readClaim(value: unknown): ClaimedEntry {
  const { index, leaf } = (value ?? {}) as { index?: unknown; leaf?: unknown }
  const isIndex = typeof index === "number" && Number.isSafeInteger(index) && index >= 0
  if (!isIndex || typeof leaf !== "string") {
    throw new PosternError("PROOF_INVALID", "the answer holds an entry without index or leaf")
  }
  // Half a surrogate pair has no UTF-8: what is hashed would not be what is shown.
  if (/\p{Surrogate}/u.test(leaf)) {
    throw new PosternError("PROOF_INVALID", `the leaf of entry ${index} is not a text`)
  }
  const bytes = encodeUtf8(leaf)
  const entry = parseEntry(bytes)
  const stream = entry.stamp.open
  if (stream > index) {
    throw new PosternError("PROOF_INVALID", `entry ${index} stands before its stream's opening`)
  }
  const opensStream = index === stream || entry.event.action === "postern.stream.opened"
  return { index, leaf, hash: leafHash(bytes), entry, stream, opensStream }
}

/** An index has one leaf. @throws PosternError PROOF_INVALID for a second one */
export function demandSame(known: ClaimedEntry, claim: ClaimedEntry): void {
  if (known.index === claim.index && equalBytes(known.hash, claim.hash)) return
  throw new PosternError("PROOF_INVALID", `two leaves for entry ${claim.index}`)
}

/** Adds to entries by their index. @throws PosternError PROOF_INVALID for a second leaf at an index */
export function addClaim(claims: Map<number, ClaimedEntry>, claim: ClaimedEntry): void {
  const known = claims.get(claim.index)
  if (known === undefined) claims.set(claim.index, claim)
  else demandSame(known, claim)
}

/** The one that opened the claim's stream. @throws PosternError PROOF_INVALID if it is not among those given */
export function openingOf(
  claim: ClaimedEntry,
  given: ReadonlyMap<number, ClaimedEntry>,
): ClaimedEntry {
  const opening = claim.stream === claim.index ? claim : given.get(claim.stream)
  if (opening?.opensStream === true) return opening
  throw new PosternError("PROOF_INVALID", `no opening of stream ${claim.stream}`)
}

/** The entry that a claim's leaf holds. `opening` is the claim of the entry that opened its stream. */
export function makeEntry(claim: ClaimedEntry, opening: ClaimedEntry, verified: boolean): LogEntry {
  const { stamp, event } = claim.entry
  return {
    index: claim.index,
    received: formatTime(stamp.received),
    writer: writerOf(opening),
    stream: stamp.open,
    sequence: stamp.sequence,
    changed: stamp.changed,
    leaf: claim.leaf,
    event,
    verified,
  }
}

/** The port's own stream is opened by its start, whose source is the port; any other opening names its writer. */
function writerOf({ index, stream, entry: { event } }: ClaimedEntry): string {
  const data = event.data as { readonly writer?: unknown } | null | undefined
  const writer = index === stream ? event.source : data?.writer
  if (typeof writer === "string") return writer
  throw new PosternError("PROOF_INVALID", `entry ${index} opens a stream and names no writer`)
}

/** Hashes of a path. @throws PosternError PROOF_INVALID */
export function readHashes(value: unknown): Uint8Array[] {
  if (!Array.isArray(value))
    throw new PosternError("PROOF_INVALID", "the answer's path is not a list")
  return value.map((text) => {
    const hash = typeof text === "string" ? parseBase64(text) : undefined
    if (hash === undefined) throw new PosternError("PROOF_INVALID", "a path hash is not base64")
    return hash
  })
}
