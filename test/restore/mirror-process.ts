import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { watchChild } from "../crash/cleanup.ts"
import { until, within } from "../support/waiting.ts"

const bin = fileURLToPath(new URL("../../packages/server/bin/postern.cjs", import.meta.url))
const endMsMax = 20_000
const waitMsMax = 40_000

/** A command of the CLI that runs until it is told to end, and what it says. */
export interface Command {
  said(): string
  /** Entries that it last said are synced and confirmed. */
  readonly confirmed: number
  readonly exit: Promise<number | null>
  /** Resolves once it has said that so many entries are confirmed. */
  confirms(size: number): Promise<void>
  says(text: string): Promise<void>
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>
}

/** @param whole all that it says is kept, not the last part of it */
export function startCommand(
  args: readonly string[],
  { whole = false }: { readonly whole?: boolean } = {},
): Command {
  const child = watchChild(
    spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] }),
  )
  let said = ""
  let confirmed = 0
  let line = ""
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = `${line}${chunk}`.split("\n")
    line = lines.pop() ?? ""
    for (const text of lines) {
      const size = /"what":"confirmed","size":(\d+)/.exec(text)?.[1]
      if (size !== undefined) confirmed = Number(size)
    }
    said = (said + chunk.toString()).slice(whole ? 0 : -8000)
  })
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(whole ? 0 : -8000)
  })
  const exit = once(child, "close").then(([code]) => code as number | null)
  const comes = async (holds: () => boolean, what: string): Promise<void> => {
    await until(() => (holds() ? true : undefined), waitMsMax, what).catch((error: Error) => {
      throw new Error(`${error.message}: ${said.slice(-500)}`)
    })
  }
  return {
    said: () => said,
    get confirmed() {
      return confirmed
    },
    exit,
    confirms: (size) => comes(() => confirmed >= size, `a mirror of ${size}`),
    says: (text) => comes(() => said.includes(text), text),
    end(signal) {
      child.kill(signal)
      return within(exit, endMsMax, `the end after ${signal}`)
    },
  }
}

export function startMirror(directory: string, profile: string): Command {
  return startCommand(["mirror", directory, "--profile", profile, "--json"])
}
