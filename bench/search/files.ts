import { execFile } from "node:child_process"
import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"

/** Paths of all files below a directory; none if it is not there. */
export function listFiles(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return listFiles(path)
    return entry.isFile() ? [path] : []
  })
}

export function bytesBelow(directory: string): number {
  return listFiles(directory).reduce((sum, file) => sum + statSync(file).size, 0)
}

const filesAtOnce = 8

/**
 * Takes the files out of the page cache, so that whoever reads them next waits for the disk. What is not on disk yet is written first.
 * dd does it by posix_fadvise, which Node does not know.
 */
export async function dropFromCache(...directories: readonly string[]): Promise<void> {
  const files = directories.flatMap(listFiles)
  for (let i = 0; i < files.length; i += filesAtOnce) {
    await Promise.all(files.slice(i, i + filesAtOnce).map(dropFile))
  }
}

async function dropFile(file: string): Promise<void> {
  const how = ["oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]
  await promisify(execFile)("dd", ["if=/dev/null", `of=${file}`, ...how])
}
