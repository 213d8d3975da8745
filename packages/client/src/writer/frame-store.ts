import type { FrameQueue } from "./frame-queue.ts"
import type { Loss, Part, SpoolFrame } from "./spool-frame.ts"
import type { World } from "./world.ts"

/**
 * Where the frames of one stream lie until they are acknowledged, as what delivers them sees it: the spool's files, or somebody else's
 * tables. A frame that was once in it keeps its position, its events and its bytes; that alone makes a repeat the same repeat.
 */
export interface FrameStore {
  /** To look at, not to change. */
  readonly queue: FrameQueue
  /** The stream that the frames from here on belong to: its id and the position of its sequence 0. */
  readonly stream: {
    readonly id: string
    readonly start: number
    readonly previous: string | undefined
  }
  /** Everything below is settled; the stream's chain digest there. */
  readonly anchor: { readonly position: number; readonly digest: Uint8Array }
  /** Behind the last frame that an earlier process can have sent. */
  readonly recoveredEnd: number
  /** When something was acknowledged last, milliseconds since 1970. */
  readonly ackedAtMs: number
  /** The region of a frame; undefined if it cannot be read, or has left the queue. */
  load(frame: SpoolFrame): Promise<Buffer | undefined>
  /** As load(), of a part of a disclosure that belongs to a frame. */
  loadPart(frame: SpoolFrame, part: Part): Promise<Buffer | undefined>
  /** Gives up a frame that cannot be read, for a gap. */
  abandon(frame: SpoolFrame): Loss
  /** Resolves when what was given up is recorded. */
  recorded(): Promise<void>
  /** Everything below `position` is the port's; `digest`: the chain digest there. */
  settle(position: number, digest: Uint8Array, nowMs: number): void
  /** From here on the frames belong to a new stream. Everything below the anchor must be settled. Resolves when that is recorded. */
  switchStream(world: World): Promise<void>
}
