import { readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { isPosternError } from "@postern/log/base"
import {
  decodeHead,
  followLog,
  type Head,
  openLogDirectory,
  type Pruned,
  readLastSigned,
  readPruned,
} from "../../disk/index.ts"
import type { DirectoryDraft } from "./checks.ts"

/** What a log directory says of itself outside its segments, before anything is believed. */
export interface Claims {
  readonly origin: string
  /** The newest signed checkpoint, a note. */
  readonly checkpoint: string | undefined
  /** Proofs of the changes of the log key (docs/spec/keys.md). */
  readonly keys: string | undefined
  readonly lastSigned: { readonly size: number; readonly root: string } | undefined
  readonly head: Head | undefined
  /** What is not there any more (docs/spec/retention.md). */
  readonly pruned: Pruned | "unreadable" | undefined
}

/**
 * Reads the claims of a log that may be growing. The head comes last: whatever was signed before it was read lies
 * within it. Errors: NOT_FOUND if it is not a log directory, LOG_FORMAT; everything else is a finding.
 */
export async function readClaims(path: string, draft: DirectoryDraft): Promise<Claims> {
  const { origin } = await openLogDirectory(path)
  const checkpoint = await readTextIfAny(path, "checkpoint")
  const keys = await readTextIfAny(path, "keys")
  const lastSigned = await readSigned(path, draft)
  const pruned = await readPrefix(path, draft)
  const head = await readHead(path, draft)
  return { origin, checkpoint, keys, lastSigned, head, pruned }
}

async function readTextIfAny(path: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(path, name), "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

async function readSigned(path: string, draft: DirectoryDraft): Promise<Claims["lastSigned"]> {
  try {
    return await readLastSigned(path)
  } catch (error) {
    if (!isPosternError(error)) throw error
    draft.fail("last-signed", "last-signed-unreadable", "last-signed", error.message)
    return undefined
  }
}

async function readPrefix(path: string, draft: DirectoryDraft): Promise<Claims["pruned"]> {
  try {
    return await readPruned(path)
  } catch (error) {
    if (!isPosternError(error)) throw error
    draft.fail("retention", "pruned-unreadable", "pruned", error.message)
    return "unreadable"
  }
}

/** Undefined also before the first slot, when the file is empty: that is for whoever has seen the slots to judge. */
async function readHead(path: string, draft: DirectoryDraft): Promise<Head | undefined> {
  try {
    const view = await followLog(path)
    const head = view.head()
    await view.close()
    return head
  } catch (error) {
    // A `pruned` that cannot be read has been told of; then nobody can follow the log.
    if (!isPosternError(error) || !["NOT_FOUND", "LOG_DAMAGED"].includes(error.code)) throw error
    if (error.code === "LOG_DAMAGED") return decodeHead(await readFile(join(path, "head")))
  }
  const bytes = await stat(join(path, "head")).then(({ size }) => size, absent)
  if (bytes === 0) return undefined
  draft.fail("head", "head-unreadable", "head", "it is not a whole head record")
  return undefined
}

function absent(error: NodeJS.ErrnoException): 0 {
  if (error.code !== "ENOENT") throw error
  return 0
}
