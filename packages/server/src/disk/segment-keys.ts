import { PosternError } from "@postern/log/base"

/** The key of one encrypted segment (docs/spec/disk.md, Encrypted segments). Blocks are sealed once each: the number is the nonce. */
export interface SegmentKey {
  /** Ciphertext and tag. `bound`: what a block cannot be opened without. */
  seal(block: number, bound: Uint8Array, bytes: Uint8Array): Uint8Array
  /** Undefined if it is not what this key has sealed under this number. */
  open(block: number, bound: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
}

/** Makes the key of a segment that is being encrypted. */
export interface SegmentKeyMaker {
  /** A new one with each call, and how it is kept: wrapped by the key that `kid` names. */
  make(): {
    readonly key: SegmentKey
    readonly kid: string
    /** 60 bytes. */
    wrap(bound: Uint8Array): Uint8Array
  }
}

/** Opens the keys that stand wrapped in the files of segments; what wraps them lies outside the log directory. */
export interface SegmentKeys {
  /** Undefined if no key of that name is here. Read anew each time: one that was taken away opens nothing more. */
  find(kid: string): WrappingOfSegments | undefined
}

export interface WrappingOfSegments {
  /** Undefined if it is not this key's, or damaged. */
  unwrap(wrapped: Uint8Array, bound: Uint8Array): SegmentKey | undefined
}

const lent = new Set<SegmentKeys>()

/**
 * From now on this thread opens every segment whose key is among these: a key is known by its name, wherever the log that it opens lies.
 * Whoever knows the configuration says it once, before a log is opened.
 * @returns what takes them back
 */
export function lendSegmentKeys(keys: SegmentKeys): () => void {
  lent.add(keys)
  return () => {
    lent.delete(keys)
  }
}

/** Errors: SEGMENT_LOCKED, LOG_DAMAGED. @param path of the segment's file, for the error */
export function unwrapSegmentKey(
  path: string,
  { kid, wrapped }: { readonly kid: string; readonly wrapped: Uint8Array },
  bound: Uint8Array,
): SegmentKey {
  for (const keys of lent) {
    const found = keys.find(kid)
    if (found === undefined) continue
    const key = found.unwrap(wrapped, bound)
    if (key !== undefined) return key
    throw new PosternError("LOG_DAMAGED", `${path}: the key ${kid} does not open the segment's own`)
  }
  throw new PosternError("SEGMENT_LOCKED", `${path}: the key ${kid} is not here`)
}
