import { open, rename } from "node:fs/promises"
import { dirname } from "node:path"
import { diskError } from "./segment-file.ts"

/**
 * Replaces the file at `path` so that after a crash it holds the old content or the new one, never a mixture:
 * write beside it, fsync, rename, fsync of the directory. Durable once this returns. Errors: DISK_FULL (it may be
 * repeated: everything is written anew), DISK_FAILED.
 */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await replace(path, content)
  } catch (error) {
    throw diskError(error)
  }
}

async function replace(path: string, content: string | Uint8Array): Promise<void> {
  const beside = `${path}.new`
  const file = await open(beside, "w", 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
  await syncDirectory(dirname(path))
}

/** Makes the names in a directory durable. Platforms that cannot open directories (Windows) are not production ones. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r")
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
