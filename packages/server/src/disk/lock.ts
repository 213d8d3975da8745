import { DatabaseSync } from "node:sqlite"
import { PosternError } from "@postern/log/base"

/**
 * One writer per log directory. Node has no flock; SQLite takes real kernel locks (fcntl), which vanish with the
 * process however it ends and hold across containers that share the directory. The file never holds data.
 */
export function lockDirectory(path: string): { release(): void } {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE")
  } catch (cause) {
    database.close()
    throw new PosternError("LOG_LOCKED", path, { cause })
  }
  return { release: () => database.close() }
}
