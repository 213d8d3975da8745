import { decodeUtf8, limits, PosternError } from "../base/index.ts"
import { parseStamp, type Stamp } from "./stamp.ts"

/** A leaf taken apart. Nothing of the event is trusted beyond being a JSON object. */
export interface Entry {
  readonly stamp: Stamp
  /** As JSON.parse sees it. Members may have any type: read them with care. */
  readonly event: Readonly<Record<string, unknown>>
  /** The event's bytes as they stand in the log, a view of the leaf. */
  readonly eventBytes: Uint8Array
}

const lineFeed = 0x0a

/**
 * The two parts of a leaf, as views: before and after the first line feed. ENTRY_SYNTAX if there is
 * none.
 */
export function splitLeaf(leaf: Uint8Array): { stamp: Uint8Array; event: Uint8Array } {
  const at = leaf.indexOf(lineFeed)
  if (at < 0) throw new PosternError("ENTRY_SYNTAX", "there is no line feed")
  return { stamp: leaf.subarray(0, at), event: leaf.subarray(at + 1) }
}

/**
 * Reads a leaf of a log (docs/spec/log.md, Entry). ENTRY_SYNTAX for anything that no port would
 * have written.
 */
export function parseEntry(leaf: Uint8Array): Entry {
  if (leaf.length > limits.entryBytesMax) throw new PosternError("ENTRY_SYNTAX", "it is too long")
  const { stamp, event } = splitLeaf(leaf)
  if (stamp.length > limits.stampBytesMax) {
    throw new PosternError("ENTRY_SYNTAX", "the stamp is too long")
  }
  const stampText = decodeUtf8(stamp)
  const eventText = decodeUtf8(event)
  if (stampText === undefined || eventText === undefined) {
    throw new PosternError("ENTRY_SYNTAX", "it is not UTF-8")
  }
  return { stamp: parseStamp(stampText), event: parseObject(eventText), eventBytes: event }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PosternError("ENTRY_SYNTAX", "the event is not JSON", { cause })
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PosternError("ENTRY_SYNTAX", "the event is not a JSON object")
  }
  return value as Record<string, unknown>
}
