import { encodeUtf8, PosternError, parseBase64 } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import type { EntryAnswer } from "../api/index.ts"

/** Half a surrogate pair has no UTF-8: what is hashed would not be what is shown. */
export function bytesOf({ leaf }: EntryAnswer): Uint8Array {
  if (typeof leaf !== "string" || /\p{Surrogate}/u.test(leaf)) throw invalid("it is no text")
  return encodeUtf8(leaf)
}

export function readHashes(path: readonly string[]): Uint8Array[] {
  if (!Array.isArray(path)) throw invalid("the path is no list")
  return path.map((text) => {
    const hash = typeof text === "string" ? parseBase64(text) : undefined
    if (hash?.length !== 32) throw invalid("a hash of the path has not 32 bytes")
    return hash
  })
}

/** The port's own stream is opened by its start, whose source is the port; any other opening names its writer. */
export function writerIn(opening: EntryAnswer): string {
  const { stamp, event } = parseEntry(bytesOf(opening))
  const isOwn = stamp.open === opening.index
  if (!isOwn && event.action !== "postern.stream.opened") {
    throw invalid(`entry ${opening.index} opens no stream`)
  }
  const data = event.data as { readonly writer?: unknown } | null | undefined
  const writer = isOwn ? event.source : data?.writer
  if (typeof writer !== "string") throw invalid(`entry ${opening.index} names no writer`)
  return writer
}

export function invalid(what: string): PosternError {
  return new PosternError("PROOF_INVALID", what)
}
