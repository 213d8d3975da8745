import { execFileSync } from "node:child_process"
import { appendFileSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatWitnessVkey } from "@postern/log/tlog"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { nodeFlags, Supervisor } from "../../packages/server/dist/supervisor/index.js"
import { Installation } from "../support/installation.ts"
import { within } from "../support/waiting.ts"

/** Three starts, one of which waits for a witness that is not there. */
const longMs = 90_000

/** Command lines of this process's children that are processes of the service. */
function servingProcesses(): string[] {
  const listed = execFileSync("ps", ["-o", "pid=", "--ppid", String(process.pid)]).toString()
  const pids = listed.split("\n").filter((line) => line.trim() !== "")
  return pids.flatMap((pid) => {
    const line = commandLine(pid.trim())
    return line.includes("main.js") ? [line] : []
  })
}

/** Empty if the process has ended meanwhile. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
  } catch (error) {
    if (!["ENOENT", "ESRCH"].includes(String((error as NodeJS.ErrnoException).code))) throw error
    return ""
  }
}

describe("postern serve", () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await Installation.make()
  })
  afterAll(() => installation.remove())

  test(
    "starts each process, also the courier, with the flags that were measured for it, and stops them",
    async () => {
      const nobody = `w ${formatWitnessVkey("w.example/1", new Uint8Array(32))} http://127.0.0.1:1`
      const policy = join(installation.directory, "witnesses.policy")
      writeFileSync(policy, `witness ${nobody}\nquorum w\n`)
      appendFileSync(installation.configFile, "\nwitnesses: witnesses.policy\n")
      const ready = new Set<string>()
      let allReady: () => void = () => undefined
      const started = new Promise<void>((resolve) => {
        allReady = resolve
      })
      const supervisor = new Supervisor(installation.configFile, {
        note: () => undefined,
        ready: (name) => {
          ready.add(name)
          if (ready.size === 3) allReady()
        },
      })
      const ended = supervisor.run(["port", "reader", "courier"])
      await within(started, 60_000, "the start of all processes")
      const lines = servingProcesses()
      supervisor.stop()
      expect(await within(ended, 20_000, "the end of all processes")).toBe(0)
      for (const name of ["port", "reader", "courier"] as const) {
        const line = lines.find((candidate) => candidate.includes(`/${name}/main.js`))
        for (const flag of nodeFlags[name]) expect(line).toContain(` ${flag} `)
      }
    },
    longMs,
  )
})
