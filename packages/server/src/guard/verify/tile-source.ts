import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"

/** A log as C2SP tlog-tiles publishes it, wherever it is. Nothing that comes from it is believed. */
export interface TileSource {
  /** The newest signed checkpoint, a note. Errors: NOT_FOUND, and whatever keeps the source from answering. */
  checkpoint(): Promise<string>
  /**
   * The bytes behind a path that tilePath wrote. Errors: NOT_FOUND; NOT_GRANTED if we may not see it; whatever keeps
   * the source from answering.
   */
  tile(path: string): Promise<Uint8Array>
}

/** A log that was exported into a directory. */
export function openTileDirectory(directory: string): TileSource {
  const read = (path: string): Promise<Buffer> =>
    readFile(join(directory, path)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause
      throw new PosternError("NOT_FOUND", path, { cause })
    })
  return { checkpoint: async () => (await read("checkpoint")).toString("utf8"), tile: read }
}
