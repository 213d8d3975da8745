import { dirname, join } from "node:path"
import { PosternError } from "@postern/log/base"
import { replaceFile } from "./durable.ts"
import { type FileSystem, readFileIfAny } from "./file-system.ts"
import { nodeFiles } from "./node-files.ts"

/** Names of the files of a log directory (docs/spec/disk.md). Whoever changes a name changes the format. */
export interface LogDirectory {
  readonly path: string
  readonly origin: string
}

const format = "log@v1"

export function segmentPath(directory: string, first: number, kind: SegmentKind): string {
  return join(directory, "segments", `${String(first).padStart(16, "0")}.${kind}`)
}
export type SegmentKind = "seg" | "segz" | "start" | "offsets"

export function hashesPath(directory: string, level: number): string {
  return join(directory, "hashes", String(level))
}

export function filePath(directory: string, name: FileName): string {
  return join(directory, name)
}

type FileName =
  | ("head" | "lock" | "last-signed" | "checkpoint" | "witnessed" | "keys" | "log.json")
  | ("pruned" | "pruning")

/** First indexes of the segments that have a `.start`, ascending. */
export async function listSegments(
  directory: string,
  files: FileSystem = nodeFiles,
): Promise<number[]> {
  const names = await files.list(join(directory, "segments"))
  return names
    .map((name) => /^(\d{16})\.start$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** Opens the directory, or makes it for `origin` if it does not exist. Errors: LOG_FORMAT. */
export async function openLogDirectory(
  path: string,
  origin?: string,
  files: FileSystem = nodeFiles,
): Promise<LogDirectory> {
  let text = (await readFileIfAny(files, filePath(path, "log.json")))?.toString("utf8")
  if (text === undefined) {
    if (origin === undefined) throw new PosternError("NOT_FOUND", `${path} is not a log directory`)
    const topmost = await files.makeDirectory(join(path, "segments"))
    await files.makeDirectory(join(path, "hashes"))
    // Before log.json says that all of it is there.
    await syncFrom(path, topmost, files)
    const created = new Date().toISOString()
    text = `${JSON.stringify({ postern: format, origin, created })}\n`
    await replaceFile(filePath(path, "log.json"), text, files)
  } else if (origin !== undefined) {
    // Who made them may have been killed before their names were durable.
    await files.syncDirectory(path)
  }
  const found = parseLogFile(text, path)
  if (origin !== undefined && found !== origin) {
    throw new PosternError("LOG_FORMAT", `the log's origin is ${found}, not ${origin}`)
  }
  return { path, origin: found }
}

/** Makes the names of what was made durable: those in `path`, and up to the directory in which the topmost one stands. */
async function syncFrom(path: string, topmost: string | undefined, files: FileSystem) {
  const last = topmost === undefined ? dirname(path) : dirname(topmost)
  await files.syncDirectory(path)
  for (let at = path; at !== last && at !== dirname(at); ) {
    at = dirname(at)
    await files.syncDirectory(at)
  }
}

function parseLogFile(text: string, path: string): string {
  let value: { postern?: unknown; origin?: unknown }
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PosternError("LOG_DAMAGED", `${path}/log.json is not JSON`, { cause })
  }
  if (value.postern !== format || typeof value.origin !== "string") {
    throw new PosternError("LOG_FORMAT", `${path} is ${String(value.postern)}, this is ${format}`)
  }
  return value.origin
}
