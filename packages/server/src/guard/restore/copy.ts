import { constants } from "node:fs"
import { copyFile, mkdir, open, readdir } from "node:fs/promises"
import { join } from "node:path"
import { syncDirectory } from "../../disk/index.ts"

/** Everything of a log directory but its lock. What a mirror keeps as evidence stays with the mirror. */
const files = ["log.json", "head", "last-signed", "checkpoint", "witnessed", "pruned"]
const folders = ["segments", "hashes"]

/** Copies a log directory that nobody writes to, synced when this returns. Errors: those of the file system. */
export async function copyLog(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 })
  for (const name of folders) {
    await mkdir(join(to, name), { mode: 0o700 })
    for (const file of await readdir(join(from, name))) {
      await copyDurably(join(from, name, file), join(to, name, file))
    }
    await syncDirectory(join(to, name))
  }
  const there = new Set(await readdir(from))
  for (const name of files) {
    if (there.has(name)) await copyDurably(join(from, name), join(to, name))
  }
  await syncDirectory(to)
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  const file = await open(to, "r+")
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
