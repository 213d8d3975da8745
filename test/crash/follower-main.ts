/**
 * A follower in a process of its own, as the reader is one: reads every entry as soon as the head allows it, and writes
 * its leaf hash to a file, 32 bytes each. Beside that it reads again and again what it has seen, since what was shown
 * once must never be shown differently. Arguments: log directory, file. Answers each message with how far it is.
 */
import { openSync, writeSync } from "node:fs"
import { equalBytes } from "@postern/log/base"
import { leafHash } from "@postern/log/tlog"
import { followLog } from "../../packages/server/dist/disk/index.js"
import { pause } from "../support/waiting.ts"
import { Decisions } from "./decisions.ts"
import type { FollowerState } from "./follower-process.ts"

const [directory = "", file = ""] = process.argv.slice(2)
const chunkBytes = 4 * 1024 * 1024
const lookBackEntries = 300
const turnMs = 3

const state: { seen: number; lookedBack: number; faults: string[] } = {
  seen: 0,
  lookedBack: 0,
  faults: [],
}
const decisions = new Decisions(1)
const hashes: Uint8Array[] = []
const target = openSync(file, "w")
const log = await followLog(directory)
let wanted = false

process.on("message", () => {
  wanted = true
})
process.on("disconnect", () => process.exit(0))

function fault(what: string): void {
  if (state.faults.length < 20) state.faults.push(what)
}

async function readOn(): Promise<void> {
  const { size } = log.head()
  while (state.seen < size) {
    const leaves = await log.leaves(state.seen, size, chunkBytes)
    const found = leaves.map(leafHash)
    hashes.push(...found)
    writeSync(target, Buffer.concat(found))
    state.seen += found.length
  }
}

async function lookBack(): Promise<void> {
  if (state.seen === 0) return
  // Mostly the newest entries, which recovery has just written again.
  const near = Math.min(state.seen, decisions.chance(0.7) ? 20_000 : state.seen)
  const from = state.seen - 1 - decisions.between(0, near)
  const leaves = await log.leaves(from, Math.min(state.seen, from + lookBackEntries), chunkBytes)
  for (const [i, leaf] of leaves.entries()) {
    if (!equalBytes(leafHash(leaf), hashes[from + i] ?? new Uint8Array(0))) {
      return fault(`entry ${from + i} was another one at first (asked for ${from})`)
    }
  }
  state.lookedBack += leaves.length
}

async function turn(): Promise<void> {
  try {
    await readOn()
    await lookBack()
  } catch (error) {
    fault(String(error))
  }
  if (wanted) {
    wanted = false
    const answer: FollowerState = { ...state, head: log.head().size }
    process.send?.(answer)
  }
}

for (;;) {
  await turn()
  await pause(turnMs)
}
