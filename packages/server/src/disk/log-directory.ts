import { existsSync } from "node:fs"
import { mkdir, readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { replaceFile, syncDirectory } from "./durable.ts"

/** Names of the files of a log directory (docs/spec/disk.md). Whoever changes a name changes the format. */
export interface LogDirectory {
  readonly path: string
  readonly origin: string
}

const format = "log@v1"

export function segmentPath(directory: string, first: number, kind: SegmentKind): string {
  return join(directory, "segments", `${String(first).padStart(16, "0")}.${kind}`)
}
export type SegmentKind = "seg" | "start" | "offsets"

export function hashesPath(directory: string, level: number): string {
  return join(directory, "hashes", String(level))
}

export function filePath(
  directory: string,
  name: "head" | "lock" | "last-signed" | "checkpoint" | "log.json",
): string {
  return join(directory, name)
}

/** First indexes of the segments that have a `.start`, ascending. */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await readdir(join(directory, "segments"))
  return names
    .map((name) => /^(\d{16})\.start$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** Opens the directory, or makes it for `origin` if it does not exist. Errors: LOG_FORMAT. */
export async function openLogDirectory(path: string, origin?: string): Promise<LogDirectory> {
  if (!existsSync(filePath(path, "log.json"))) {
    if (origin === undefined) throw new PosternError("NOT_FOUND", `${path} is not a log directory`)
    await mkdir(join(path, "segments"), { recursive: true, mode: 0o700 })
    await mkdir(join(path, "hashes"), { recursive: true, mode: 0o700 })
    const created = new Date().toISOString()
    const text = `${JSON.stringify({ postern: format, origin, created })}\n`
    await replaceFile(filePath(path, "log.json"), text)
    await syncDirectory(join(path, ".."))
  }
  const found = parseLogFile(await readFile(filePath(path, "log.json"), "utf8"), path)
  if (origin !== undefined && found !== origin) {
    throw new PosternError("LOG_FORMAT", `the log's origin is ${found}, not ${origin}`)
  }
  return { path, origin: found }
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
