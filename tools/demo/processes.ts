import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { openReader } from "@postern/client"
import { PosternError } from "@postern/log/base"
import type { Place } from "./prepare.ts"
import { say } from "./story.ts"

export const postern = fileURLToPath(
  new URL("../../packages/server/bin/postern.cjs", import.meta.url),
)

export interface Service {
  /** Resolves when the service has ended, by itself or not. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

/** Runs `postern serve` and waits until both processes listen. */
export async function runService(place: Place): Promise<Service> {
  const child = spawn(process.execPath, [postern, "serve", "--config", place.config.file], {
    stdio: ["ignore", "inherit", "pipe"],
    // Out of the terminal's reach: Ctrl-C ends the writers first, and then the service, by stop().
    detached: true,
  })
  const ended = once(child, "exit").then(() => undefined)
  await bothReady(child, ended)
  return {
    ended,
    async stop() {
      child.kill("SIGTERM")
      await ended
    },
  }
}

function bothReady(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const waiting = new Set(["port", "reader"])
  const heard: string[] = []
  return new Promise((resolve, reject) => {
    if (child.stderr === null) return
    createInterface(child.stderr).on("line", (line) => {
      const ready = /^postern: (port|reader) ready/.exec(line)?.[1]
      if (ready !== undefined) waiting.delete(ready)
      if (waiting.size === 0) resolve()
      heard.push(line)
      // What goes wrong later is for the person at the terminal.
      if (/"level":"(?:error|warn)"|postern: (?:error|hint)/.test(line)) console.error(line)
    })
    void ended.then(() => {
      reject(
        new PosternError("UNREACHABLE", `the service did not start\n${heard.slice(-6).join("\n")}`),
      )
    })
  })
}

/** Runs the commands an auditor would: the log directory offline, and the same log over the read port. */
export async function verifyLog(
  place: Place,
  size: number,
): Promise<{ ok: boolean; lines: string[] }> {
  await checkpointOf(place, size)
  say("verifying: every hash of the log directory, then the same log over the read port")
  const lines: string[] = []
  let ok = true
  for (const [what, args] of [
    ["on disk", ["verify", place.directory]],
    ["over the read port", ["verify", "--profile", place.profiles.reader]],
  ] as const) {
    const result = await run([...args])
    ok &&= result.status === 0
    lines.push(
      `verified ${what}: ${result.status === 0 ? "nothing contradicts" : `FAILED\n${result.output}`}`,
    )
  }
  return { ok, lines }
}

/** Checkpoints come once a second: waits for one that covers so many entries. */
async function checkpointOf(place: Place, size: number): Promise<void> {
  const reader = openReader(place.profiles.reader)
  for (let attempt = 0; attempt < 50; attempt++) {
    const found = await reader.checkpoint().catch(() => undefined)
    if (found !== undefined && found.size >= size) break
    await pause(200)
  }
  reader.close()
}

async function run(args: readonly string[]): Promise<{ status: number; output: string }> {
  const child = spawn(process.execPath, [postern, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const [status] = (await once(child, "close")) as [number | null]
  return { status: status ?? 1, output }
}
