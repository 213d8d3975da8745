import { dirname } from "node:path"
import { type FileSystem, writeAll } from "./file-system.ts"
import { nodeFiles } from "./node-files.ts"
import { diskError } from "./segment-file.ts"

/**
 * Replaces the file at `path` so that after a crash it holds the old content or the new one, never a mixture:
 * write beside it, fsync, rename, fsync of the directory. Durable once this returns. Errors: DISK_FULL (it may be
 * repeated: everything is written anew), DISK_FAILED.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  files: FileSystem = nodeFiles,
): Promise<void> {
  try {
    await replace(path, typeof content === "string" ? Buffer.from(content) : content, files)
  } catch (error) {
    throw diskError(error)
  }
}

async function replace(path: string, content: Uint8Array, files: FileSystem): Promise<void> {
  const beside = `${path}.new`
  const file = await files.open(beside, { access: "replace" })
  try {
    await writeAll(file, content, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(beside, path)
  await files.syncDirectory(dirname(path))
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string, files: FileSystem = nodeFiles): Promise<void> {
  await files.syncDirectory(path)
}
