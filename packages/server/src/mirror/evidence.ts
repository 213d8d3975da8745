import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { encodeUtf8, formatHex, isPosternError, sha256 } from "@postern/log/base"
import { formatKeyProof } from "@postern/log/evidence"
import { replaceFile } from "../disk/index.ts"
import { type MirroredLog, openOwn } from "./mirror-log.ts"

/** What a mirror was shown and what it has, where the two cannot both be the log. */
export interface Contradiction {
  readonly what: string
  readonly time: Date
  readonly log: MirroredLog
  readonly own: { readonly slot: number; readonly size: number; readonly root: string }
  /** The newest checkpoint that was kept here, and the origin's. Both hold the log key's signature, or are absent. */
  readonly ownNote: string | undefined
  readonly theirNote: string | undefined
  /** The frame's body that was refused, if it was one. */
  readonly shown: Uint8Array | undefined
}

/**
 * Keeps a contradiction in a directory of its own below `evidence/`; gives its path. Where both notes are of one size, `fork.evidence` is the
 * file of docs/spec/evidence.md that proves by itself that the log key signed two histories.
 */
export async function keepContradiction(directory: string, found: Contradiction): Promise<string> {
  const { what, time, log, own, ownNote, theirNote, shown } = found
  const path = join(directory, "evidence", time.toISOString().replace(/[:.]/g, "-"))
  await mkdir(path, { recursive: true, mode: 0o700 })
  const { origin, vkey } = log
  const facts = { postern: "contradiction@v1", what, time: time.toISOString(), origin, vkey, own }
  if (ownNote !== undefined) await replaceFile(join(path, "own-checkpoint"), ownNote)
  if (theirNote !== undefined) await replaceFile(join(path, "origin-checkpoint"), theirNote)
  if (shown !== undefined) await writeFile(join(path, "shown"), shown, { mode: 0o600 })
  const fork = await forkFile(log, ownNote, theirNote)
  if (fork !== undefined) await replaceFile(join(path, "fork.evidence"), fork)
  await replaceFile(join(path, "facts.json"), `${JSON.stringify(facts)}\n`)
  return path
}

async function forkFile(
  log: MirroredLog,
  own: string | undefined,
  theirs: string | undefined,
): Promise<string | undefined> {
  if (own === undefined || theirs === undefined) return undefined
  try {
    const [a, b] = [await openOwn(log, own), await openOwn(log, theirs)]
    if (a.size !== b.size || formatHex(a.root) === formatHex(b.root)) return undefined
  } catch (error) {
    if (isPosternError(error)) return undefined // Not signed by the log key: it proves nothing by itself.
    throw error
  }
  const head = { postern: "evidence@v1", origin: log.origin, kind: "fork", claim: {}, count: 0 }
  const notes = [head, { note: own }, { note: theirs }].map((line) => `${JSON.stringify(line)}\n`)
  const lines = [...notes, ...(log.keys?.proofs ?? []).map((proof) => `${formatKeyProof(proof)}\n`)]
  const digest = formatHex(sha256(encodeUtf8(lines.join(""))))
  return `${lines.join("")}${JSON.stringify({ end: { lines: lines.length, sha256: digest } })}\n`
}
