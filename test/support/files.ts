import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const attemptsMax = 100

/**
 * Everything below a directory in which processes go on writing, with its bytes; directories and sockets have none. What is renamed
 * or taken away between the listing and the reading makes it begin again, so that nothing is missed under either name.
 */
export function readBelow(directory: string): { path: string; bytes: Buffer }[] {
  for (let attempt = 1; ; attempt++) {
    try {
      return readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return { path, bytes: entry.isFile() ? readFileSync(path) : Buffer.alloc(0) }
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || attempt === attemptsMax) throw error
    }
  }
}
