import { readFile } from "node:fs/promises"

/** A file of another process; undefined if it is not there, or not for this process to read. */
export async function textIfAny(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return undefined
  }
}
