import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Chosen } from "./chosen.ts"

/** A log directory of the bench, as it lies on disk. */
export interface BenchLog {
  /** An installation as `postern init` makes it. */
  readonly directory: string
  readonly entries: number
  /** When the last of them was received, milliseconds. */
  readonly endMs: number
  /** Mean length of an event. */
  readonly eventBytes: number
  readonly chosen: Chosen
}

/** What the description is written for: another number makes the log anew. */
const version = 2
const descriptionName = "bench-search.json"

/** The log in `directory` if this version of the bench has made one there, whole. */
export function readBenchLog(directory: string): BenchLog | undefined {
  const file = join(directory, descriptionName)
  if (!existsSync(file)) return undefined
  const found = JSON.parse(readFileSync(file, "utf8")) as BenchLog & { version: number }
  return found.version === version ? { ...found, directory } : undefined
}

export function describeBenchLog({ directory, ...log }: BenchLog): void {
  writeFileSync(join(directory, descriptionName), JSON.stringify({ version, ...log }))
}

/** Whether this bench, in whatever version, has begun to make a log there. */
export function isBenchDirectory(directory: string): boolean {
  return [descriptionName, unfinishedName].some((name) => existsSync(join(directory, name)))
}

/** Stands in a directory while its log is being written. */
export const unfinishedName = "bench-search.unfinished"
