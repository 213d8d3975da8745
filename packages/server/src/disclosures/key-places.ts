import { basename, join } from "node:path"
import type { FileSystem } from "../disk/index.ts"
import { destroyFile } from "./secret-file.ts"

/** Where the keys of the ring lie, and the key that wraps them (docs/spec/disclosures.md, Personal keys). */
export interface KeyPlaces {
  /** `data/disclosures`: the wrapped keys. */
  readonly sealed: string
  /** The directory of the keys, outside the data directory: what wraps and looks up. */
  readonly keys: string
}

export function keyFilePath({ sealed }: KeyPlaces): string {
  return join(sealed, "personal.keys")
}

/** What a destruction writes, until it takes the file's place. */
export function nextKeyFilePath(places: KeyPlaces): string {
  return `${keyFilePath(places)}.next`
}

export function wrappingKeyPath({ keys }: KeyPlaces, generation: number): string {
  return join(keys, `personal-${generation}.key`)
}

/** The files of the wrapping keys among these names of the directory of the keys. */
export function wrappingKeyFiles(names: readonly string[]): string[] {
  return names.filter((name) => /^personal-[1-9]\d{0,8}\.key$/.test(name))
}

/** Generations whose key is there, ascending. None if there is no directory. */
export async function wrappingGenerations(
  { keys }: KeyPlaces,
  files: FileSystem,
): Promise<number[]> {
  const names = await listIfAny(keys, files)
  return names
    .map((name) => /^personal-([1-9]\d{0,8})\.key$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

export function lookupKeyPath({ keys }: KeyPlaces): string {
  return join(keys, "lookup.key")
}

/** What a destruction left that did not come to its point of no return, or that did and could not clear up. Errors: DISK_FAILED. */
export async function destroyOtherGenerations(
  places: KeyPlaces,
  generation: number,
  files: FileSystem,
): Promise<void> {
  await destroyFile(nextKeyFilePath(places), files)
  const current = basename(wrappingKeyPath(places, generation))
  for (const name of await listIfAny(places.keys, files)) {
    const isOne = /^personal-[1-9]\d{0,8}\.key(?:\.new)?$/.test(name)
    if (isOne && name !== current) await destroyFile(join(places.keys, name), files)
  }
}

export async function listIfAny(path: string, files: FileSystem): Promise<string[]> {
  try {
    return await files.list(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}
