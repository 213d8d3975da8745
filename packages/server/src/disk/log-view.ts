import type { KeptEntry } from "./pruned.ts"

/** What every reader of the log needs of it. Implemented by the follower of this room; a fake serves tests. */
export interface LogView {
  readonly origin: string
  /** How far anybody may read: entries `[minimum, size)` are durable and there. */
  head(): Head
  /** Called after each advance of the head, at most once a few milliseconds. Returns the unsubscriber. */
  onHead(listener: (head: Head) => void): () => void
  /** The newest signed checkpoint (a note, as text), undefined before the first. Its size is at most the head's. */
  checkpoint(): Promise<string | undefined>
  /** The newest checkpoint that has the quorum of the witnesses, undefined if there never was one. At most as large as the newest. */
  witnessed(): Promise<string | undefined>
  /** Proofs of the changes of the log key (docs/spec/keys.md), as text; empty if it never changed. */
  keys(): Promise<string>
  /**
   * Leaves `[from, to)`, fewer if `bytesMax` is reached (at least one). Throws PosternError NOT_FOUND if `to` is beyond the head,
   * ENTRY_PRUNED if one of them is not there any more: below the minimum only those are that were kept (docs/spec/retention.md).
   * The returned views are owned by the caller.
   */
  leaves(from: number, to: number, bytesMax?: number): Promise<Uint8Array[]>
  /** Entries below the minimum that were kept, ascending: what opened the streams that go on. */
  kept(): readonly KeptEntry[]
  /** Hashes `[from, to)` of tile level L (the full nodes of tree level 8 * L), 32 bytes each, concatenated. */
  hashes(level: number, from: number, to: number): Promise<Uint8Array>
  close(): Promise<void>
}

export interface Head {
  readonly slot: number
  /** Entries that are durable. */
  readonly size: number
  /** Index of the first entry of the segment that the last slot is in, and the offset of that slot's end in it. */
  readonly segment: number
  readonly end: number
  /** Microseconds since the epoch. */
  readonly time: number
  /** Tree root at `size`. */
  readonly root: Uint8Array
  /** Index of the first entry that is there: 0, or where a segment begins (docs/spec/retention.md). */
  readonly minimum: number
}
