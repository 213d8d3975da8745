import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { PosternError } from "@postern/log/base"
import type { Place } from "./prepare.ts"
import { postern } from "./processes.ts"

export interface ConsoleDoor {
  /** Opens the console in a browser of this machine, once. */
  readonly link: string
  close(): Promise<void>
}

/** Runs `postern console` beside the service. Enter in this terminal reaches it: it prints a fresh link. */
export async function startDoor(place: Place): Promise<ConsoleDoor> {
  const args = ["console", "--profile", place.profiles.reader, "--no-open"]
  const child = spawn(process.execPath, [postern, ...args], { stdio: ["inherit", "pipe", "pipe"] })
  const ended = once(child, "exit").then(() => undefined)
  const link = await firstLink(child, ended)
  return {
    link,
    async close() {
      child.kill("SIGTERM")
      await ended
    },
  }
}

function firstLink(child: ChildProcess, ended: Promise<void>): Promise<string> {
  let heard = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    heard = `${heard}${chunk.toString()}`.slice(-2000)
  })
  return new Promise((resolve, reject) => {
    void ended.then(() =>
      reject(new PosternError("UNREACHABLE", `the door did not open\n${heard}`)),
    )
    if (child.stdout === null) return
    let isFirst = true
    createInterface(child.stdout).on("line", (line) => {
      if (!isFirst) console.log(`\n${line}`)
      isFirst = false
      resolve(line.replace(/^Open: /, ""))
    })
  })
}
