import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { isPosternError } from "@postern/log/base"
import { keyActions, openKeyTrust, parseKeyProofs, pinnedPolicy } from "@postern/log/evidence"
import { openCheckpoint, parseNote } from "@postern/log/tlog"
import { loadConfig } from "../../../packages/server/dist/config/index.js"
import { rotateLogKey } from "../../../packages/server/dist/guard/keys/index.js"
import type { Installation } from "../installation.ts"
import { readLog } from "../log-contents.ts"
import { startPort } from "../port-process.ts"
import { Poster } from "./poster.ts"
import type { Scene } from "./scene.ts"

/**
 * A port that finds a new log key at its start: the entry about it, the proof of that entry in two places, the first
 * checkpoint that both keys sign. Before it, a life under the old key; what that left is put back for every course. The
 * port's own state is struck like the log.
 */
export async function rollover(installation: Installation, scratch: string): Promise<Scene> {
  const before = new Poster(installation.writer, [3, 40], "small-h0")
  const port = await startPort(installation.config)
  await before.postRest()
  before.close()
  await port.signal("SIGTERM")
  const made = await rotateLogKey(loadConfig(installation.config))
  const data = dirname(installation.log)
  const kept = join(scratch, "kept")
  execFileSync("cp", ["-a", data, kept])
  return {
    installation,
    directory: data,
    bodies: [1],
    restore() {
      rmSync(data, { recursive: true, force: true })
      execFileSync("cp", ["-a", kept, data])
    },
    faults: (isOver) => keyFaults(installation.log, made.old.vkey, made.new.vkey, isOver),
  }
}

/**
 * At every moment, who pinned the old key can follow to what is published, and the new key alone has signed nothing: in the
 * end both have, and the log says so.
 */
async function keyFaults(
  log: string,
  oldVkey: string,
  newVkey: string,
  isOver: boolean,
): Promise<string[]> {
  const note = readFileSync(join(log, "checkpoint"), "utf8")
  const origin = oldVkey.slice(0, oldVkey.indexOf("+"))
  const file = join(log, "keys")
  const proofs = existsSync(file) ? parseKeyProofs(readFileSync(file, "utf8")) : []
  const faults: string[] = []
  try {
    const trust = await openKeyTrust(pinnedPolicy([oldVkey]), origin, proofs)
    await trust.openCheckpoint(note)
    await openCheckpoint(note, oldVkey)
    if (isOver) await openCheckpoint(note, newVkey)
  } catch (error) {
    if (!isPosternError(error)) throw error
    faults.push(`the published checkpoint: ${error.message}`)
  }
  const signed = parseNote(note).signatures.length
  if (signed > 1 && proofs.length === 0) faults.push("signed by both, and no proof is there")
  if (!isOver) return faults
  const { others } = await readLog(log)
  const said = [...others].filter(([, { action }]) => action === keyActions.rolled)
  const [[first] = [-1]] = said
  if (said.length === 0) faults.push("no entry about the key")
  if (proofs.length !== 1) faults.push(`${proofs.length} proofs`)
  // A life that ended before a checkpoint held its entry is followed by one that says it again.
  if (proofs[0] !== undefined && !said.some(([index]) => index === proofs[0]?.index)) {
    faults.push(`the proof is one of entry ${proofs[0].index}, the log says it at ${first}`)
  }
  return faults
}
