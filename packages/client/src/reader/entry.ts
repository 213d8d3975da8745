import { encodeUtf8, PosternError, parseBase64 } from "@postern/log/base"
import { formatTime, parseEntry } from "@postern/log/event"
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
  readonly changed: 0 | 1 | 2
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
  readonly stream: number
}

export function readClaim(value: unknown): ClaimedEntry {
  const { index, leaf } = (value ?? {}) as { index?: unknown; leaf?: unknown }
  if (
    typeof index !== "number" ||
    !Number.isSafeInteger(index) ||
    index < 0 ||
    typeof leaf !== "string"
  ) {
    throw new PosternError("PROOF_INVALID", "the answer holds an entry without index or leaf")
  }
  const bytes = encodeUtf8(leaf)
  return { index, leaf, hash: leafHash(bytes), stream: parseEntry(bytes).stamp.open }
}

/** The entry that a claim's leaf holds. `opening` is the claim of the entry that opened its stream. */
export function makeEntry(claim: ClaimedEntry, opening: ClaimedEntry, verified: boolean): LogEntry {
  const { stamp, event } = parseEntry(encodeUtf8(claim.leaf))
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

/** An opening names its writer; the opening of the port's own stream is the port's start. */
function writerOf(opening: ClaimedEntry): string {
  const { event } = parseEntry(encodeUtf8(opening.leaf))
  const data = event.data as { writer?: unknown } | undefined
  const opened = event.action === "postern.stream.opened" && typeof data?.writer === "string"
  return opened ? String(data?.writer) : String(event.source)
}

export function readHashes(value: unknown): Uint8Array[] {
  if (!Array.isArray(value))
    throw new PosternError("PROOF_INVALID", "the answer's path is not a list")
  return value.map((text) => {
    const hash = typeof text === "string" ? parseBase64(text) : undefined
    if (hash === undefined) throw new PosternError("PROOF_INVALID", "a path hash is not base64")
    return hash
  })
}
