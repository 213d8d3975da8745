import { readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { isPosternError } from "@postern/log/base"
import { followLog, type Head, openLogDirectory, readLastSigned } from "../../disk/index.ts"
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
  const head = await readHead(path, draft)
  return { origin, checkpoint, keys, lastSigned, head }
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

/** Undefined also before the first slot, when the file is empty: that is for whoever has seen the slots to judge. */
async function readHead(path: string, draft: DirectoryDraft): Promise<Head | undefined> {
  try {
    const view = await followLog(path)
    const head = view.head()
    await view.close()
    return head
  } catch (error) {
    if (!isPosternError(error) || error.code !== "NOT_FOUND") throw error
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
