import { readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { syncDirectory } from "../disk/index.ts"
import type { DisclosurePlaces } from "./disclosure-store.ts"
import { keyIdPattern } from "./sealing-keys.ts"

const dayMs = 86_400_000
const month = /^bodies-(\d{4})-(\d{2})/

/**
 * Keys of months that were over a day before `before`, milliseconds since the epoch: every entry of theirs was received before
 * that. Also of what a removal that was cut short has left.
 */
export async function listExpiredMonths(
  { sealed, keys }: DisclosurePlaces,
  before: number,
): Promise<string[]> {
  const files = (await namesIn(keys)).filter((name) => name.endsWith(".key"))
  const names = [...files.map((name) => name.slice(0, -".key".length)), ...(await namesIn(sealed))]
  const ids = names.filter((name) => keyIdPattern.test(name) && endOf(name) + dayMs <= before)
  return [...new Set(ids)].sort()
}

/** Removes keys, and then what they sealed. May be repeated. */
export async function removeMonths(
  { sealed, keys }: DisclosurePlaces,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) await rm(join(keys, `${id}.key`), { force: true })
  await syncDirectory(keys)
  for (const id of ids) await rm(join(sealed, id), { recursive: true, force: true })
  await syncDirectory(sealed)
}

function endOf(id: string): number {
  const [, year, number] = month.exec(id) ?? []
  return Date.UTC(Number(year), Number(number))
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []
    throw error
  })
}
