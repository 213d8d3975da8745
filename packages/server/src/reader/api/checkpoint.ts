import { isPosternError, PosternError } from "@postern/log/base"
import { parseCheckpoint, parseNote } from "@postern/log/tlog"
import type { LogView } from "../../disk/index.ts"

export interface NewestCheckpoint {
  /** The signed note, as it is served. */
  readonly note: string
  readonly size: number
}

export interface Checkpoints {
  /**
   * The newest signed checkpoint whose entries the view can give; undefined before the first. The signature is not
   * checked: this process holds no key of the log, and whoever asks has to check it anyway.
   * @throws PosternError LOG_DAMAGED if the file is not a checkpoint
   */
  newest(): Promise<NewestCheckpoint | undefined>
}

export function openCheckpoints(view: LogView): Checkpoints {
  let last: NewestCheckpoint | undefined
  async function newest(): Promise<NewestCheckpoint | undefined> {
    const note = await view.checkpoint()
    if (note === undefined || note === last?.note) return last
    const size = sizeOf(note)
    // The file can be a moment ahead of the head that the view has seen. Then the one before it goes on serving.
    if (size <= view.head().size) last = { note, size }
    return last
  }
  return { newest }
}

function sizeOf(note: string): number {
  try {
    return parseCheckpoint(parseNote(note).text).size
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw new PosternError("LOG_DAMAGED", "the checkpoint file is not a checkpoint", {
      cause: error,
    })
  }
}
