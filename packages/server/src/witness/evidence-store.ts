import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { replaceFile } from "../disk/index.ts"

/** One file each; only the log's own signature makes one, and more prove no more. */
const filesMax = 1000

/** Keeps contradictions in a directory, each once. Resolves when the file is durable. */
export function evidenceStore(directory: string): (name: string, text: string) => Promise<void> {
  return async (name, text) => {
    const path = join(directory, `${name}.json`)
    if (existsSync(path) || readdirSync(directory).length >= filesMax) return
    await replaceFile(path, text)
  }
}
