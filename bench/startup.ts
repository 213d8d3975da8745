import { execFile } from "node:child_process"
import { statfsSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { runGenerator } from "./run.ts"
import { median } from "./samples.ts"
import { type Server, withServer } from "./server.ts"
import { house, type Tree } from "./tree.ts"

export interface Startup {
  readonly entries: number
  /** From the start of the port process until it listens, after a drain and after a kill -9. */
  readonly afterDrainMs: number
  readonly afterKillMs: number
  /** `postern verify`, the start of Node included; undefined where there is no such command yet. */
  readonly verifyEntriesPerSecond: number | undefined
}

const restarts = 3
const connections = 8
const batch = 1000
const window = 4
const bytesPerEntryMax = 700
const spareBytes = 4e9
const eventsPerSecondMin = 50_000
const verifyMsMax = 1_800_000

/** Makes a log of at least `entries` entries through the framed protocol, then starts the port again and verifies it. */
export function measureStartup(
  tree: Tree,
  entries: number,
  note: (text: string) => void,
): Promise<Startup> {
  const { bavail, bsize } = statfsSync(house)
  if (bavail * bsize < entries * bytesPerEntryMax + spareBytes) {
    throw new Error(`a log of ${entries} entries has no room on this disk`)
  }
  return withServer(tree, "none", async (server) => {
    note(`writing ${entries} entries`)
    await fill(server, entries)
    const drained = await restart(server, "SIGTERM", note)
    const killed = await restart(drained.server, "SIGKILL", note)
    await killed.server.stop("SIGTERM")
    const seconds = await verify(tree, join(server.directory, "data/log"), note)
    return {
      entries,
      afterDrainMs: drained.ms,
      afterKillMs: killed.ms,
      verifyEntriesPerSecond: seconds === undefined ? undefined : entries / seconds,
    }
  })
}

async function fill({ pid, port, profile }: Server, entries: number): Promise<void> {
  const load = { protocol: "postern/1", event: "app", connections, batch, window } as const
  const task = { pid, port, profile, ...load, warmMs: 0, measureMs: 0, events: entries }
  await runGenerator(task, 60_000 + (1000 * entries) / eventsPerSecondMin)
}

/** Median of several restarts, each after the signal. */
async function restart(
  server: Server,
  signal: "SIGTERM" | "SIGKILL",
  note: (text: string) => void,
): Promise<{ ms: number; server: Server }> {
  const times: number[] = []
  let current = server
  for (let i = 0; i < restarts; i++) {
    await current.stop(signal)
    current = await current.restart()
    times.push(current.startMs)
    note(`listens ${current.startMs.toFixed(0)} ms after its start (ended by ${signal} before)`)
  }
  return { ms: median(times), server: current }
}

/** Seconds that `postern verify` takes for a log directory. */
async function verify(
  tree: Tree,
  directory: string,
  note: (text: string) => void,
): Promise<number | undefined> {
  const began = performance.now()
  try {
    await promisify(execFile)(process.execPath, [tree.command, "verify", directory], {
      timeout: verifyMsMax,
    })
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    if (!said.includes("unknown command")) throw error
    note("there is no command `postern verify` here")
    return undefined
  }
  return (performance.now() - began) / 1000
}

export function formatStartup(startup: Startup): string {
  const { entries, afterDrainMs, afterKillMs, verifyEntriesPerSecond } = startup
  const lines = [
    `port listens again with ${entries.toLocaleString("en-US")} entries`,
    `  after a drain    ${afterDrainMs.toFixed(0)} ms`,
    `  after a kill -9  ${afterKillMs.toFixed(0)} ms`,
  ]
  if (verifyEntriesPerSecond !== undefined) {
    lines.push(`postern verify: ${Math.round(verifyEntriesPerSecond).toLocaleString("en-US")}/s`)
  }
  return lines.join("\n")
}
