import { existsSync } from "node:fs"
import { rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import { syncDirectory } from "../../disk/index.ts"

/*
 * Where a restored directory is made: `DIR.making` while it is written, `DIR.new` once it is whole and synced, then
 * DIR. Only these two names are ever deleted, and only what an interrupted run left there.
 */

/** A name at which nothing is. */
export async function makingPlace(directory: string): Promise<string> {
  const path = `${directory}.making`
  await rm(path, { recursive: true, force: true })
  await rm(`${directory}.new`, { recursive: true, force: true })
  return path
}

/** What was made is whole and synced. */
export async function declareWhole(directory: string): Promise<void> {
  await rename(`${directory}.making`, `${directory}.new`)
  await syncDirectory(dirname(directory))
}

/**
 * Moves the directory aside, if there is one, and what was made into its place. Between the two steps there is none; a run that was
 * interrupted there is taken up again.
 */
export async function putInPlace(directory: string, aside: string): Promise<string | undefined> {
  const there = existsSync(directory)
  if (there) await rename(directory, aside)
  await rename(`${directory}.new`, directory)
  await syncDirectory(dirname(directory))
  return there ? aside : undefined
}

/** Beside the directory, named after the time. */
export function asideName(directory: string, now: Date): string {
  return `${directory}.aside-${now.toISOString().replace(/[:.]/g, "-")}`
}
