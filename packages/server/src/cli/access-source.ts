import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { type AccessList, parseAccess, parseExpiry } from "../access/index.ts"
import { loadConfig, readTextFile } from "../config/index.ts"
import { accessListAt } from "../guard/access/index.ts"
import type { CommandIo } from "./io.ts"
import { jsonOption } from "./options.ts"
import { openRememberingReader } from "./remembering-reader.ts"

/** Where a question about the access list finds it. */
export interface SourceFlags {
  readonly config?: string
  readonly at?: string
  readonly profile?: string
}

/** A list with the moment that it is asked about. */
export interface AskedList {
  readonly list: AccessList
  readonly atMs: number
  /** Where it is from, for the person. */
  readonly from: string
}

export function addSourceOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--config <file>", "postern.yaml: the list on disk, now").env("POSTERN_CONFIG"),
    )
    .option("--at <time>", "the list in force then, from the log: a day (its end) or a time, UTC")
    .addOption(
      new Option("--profile <file>", "a reader's profile, with --at").env("POSTERN_PROFILE"),
    )
    .addOption(jsonOption())
}

/** Errors: USAGE, and those of reading the list or the log. */
export async function askedList(flags: SourceFlags, io: CommandIo): Promise<AskedList> {
  if (flags.at === undefined) {
    if (flags.config === undefined) throw new PosternError("USAGE", "--config is missing")
    const { access } = loadConfig(flags.config)
    return { list: parseAccess(readTextFile(access)), atMs: io.now().getTime(), from: access }
  }
  if (flags.profile === undefined)
    throw new PosternError("USAGE", "--at asks the log: --profile of a reader is missing")
  const atMs = momentOf(flags.at)
  const { origin } = loadProfile(flags.profile).log
  const reader = openRememberingReader(flags.profile, io)
  try {
    const found = await accessListAt(reader, origin, new Date(atMs))
    const proven = found.verified ? "" : ", no checkpoint covers it yet"
    const from = `entry ${found.index}, loaded ${found.received} by ${found.by}${proven}`
    return { list: found.list, atMs, from }
  } finally {
    reader.close()
  }
}

/** Milliseconds since the epoch; of a day its last one. */
function momentOf(text: string): number {
  const day = /^\d{4}-\d\d-\d\d$/.test(text)
  const ms = parseExpiry(text)
  if (ms === undefined)
    throw new PosternError("USAGE", "--at takes a day or a time such as 2026-11-22T10:00:00Z")
  return day ? ms + 86_399_999 : ms
}
