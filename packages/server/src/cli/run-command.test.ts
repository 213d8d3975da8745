import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { hostname, tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

const postern = fileURLToPath(new URL("../../bin/postern.cjs", import.meta.url))
let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-run-command-"))
  live = await startProcesses(join(directory, "installation"))
})
afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const argvOf = (...args: string[]) => [postern, "run", "--profile", live.profiles.writer, ...args]
const runIt = (args: string[], input = "") =>
  spawnSync(process.execPath, argvOf(...args), { input, encoding: "utf8" })

interface Told {
  readonly action: string
  readonly outcome: string
  readonly reason: { text?: string; ticket?: string }
  readonly trace: { pairId: string; phase: string }
  readonly data: Record<string, unknown>
  readonly [member: string]: unknown
}

/** What the log tells of commands with this reason: two entries each, once the reader has come to them. */
function toldOf(text: string, entries = 2): Promise<Told[]> {
  const query = `action:command.* AND (reason.text:"${text}" OR reason.ticket:"${text}")`
  const args = ["search", query, "--profile", live.profiles.reader, "--oldest", "--json"]
  return vi.waitFor(
    async () => {
      const { stdout, stderr } = await runHere(args)
      expect(stderr).not.toContain("error")
      const found = (JSON.parse(stdout).entries as { event: Told }[]).map(({ event }) => event)
      expect(found).toHaveLength(entries)
      return found
    },
    { timeout: 20_000, interval: 100 },
  )
}

describe("a command", () => {
  test("has its own input, output and exit code, and two entries say who, what and why", async () => {
    const script = "cat; echo said >&2; exit 7"
    const { status, stdout, stderr } = runIt(["--reason", "first", "--", "sh", "-c", script], "in")
    expect([status, stdout, stderr]).toEqual([7, "in", "said\n"])
    const [started, ended] = await toldOf("first")
    expect(started).toMatchObject({
      action: "command.started",
      actor: { type: "user", uid: userInfo().uid },
      targets: [{ type: "command", id: "sh" }],
      origin: { host: hostname() },
      data: { argv: ["sh", "-c", script], cwd: process.cwd() },
    })
    expect(ended).toMatchObject({
      action: "command.ended",
      outcome: "failure",
      data: { exitCode: 7, signal: null },
    })
    expect(started?.trace).toEqual({ pairId: ended?.trace.pairId, phase: "attempt" })
    expect(ended?.trace.phase).toBe("result")
  })

  test("that cannot be started ends as in a shell, and the entry says why", async () => {
    const { status, stderr } = runIt(["--ticket", "OPS-1", "--", "no-such-command-here"])
    expect([status, stderr]).toEqual([127, expect.stringContaining("ENOENT")])
    const [, ended] = await toldOf("OPS-1")
    expect(ended).toMatchObject({ outcome: "error", data: { exitCode: 127, problem: "ENOENT" } })
  })

  test("gets the signals that come to us, and its end is what counts", async () => {
    const script = 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'
    const child = spawn(process.execPath, argvOf("--reason", "signal", "--", "sh", "-c", script))
    await once(child.stdout, "data")
    child.kill("SIGTERM")
    expect((await once(child, "exit"))[0]).toBe(5)
    expect((await toldOf("signal"))[1]).toMatchObject({ data: { exitCode: 5 } })
  })

  test("that a signal ends ends with 128 and its number", async () => {
    expect(runIt(["--reason", "killed", "--", "sh", "-c", "kill -9 $$"]).status).toBe(137)
    const [, ended] = await toldOf("killed")
    expect(ended).toMatchObject({ outcome: "error", data: { exitCode: 137, signal: "SIGKILL" } })
  })

  test("and another one at the same time have a spool each", async () => {
    const script = "echo ready; cat"
    const first = spawn(process.execPath, argvOf("--reason", "twice", "--", "sh", "-c", script))
    await once(first.stdout, "data")
    expect(runIt(["--reason", "twice", "--", "true"]).status).toBe(0)
    first.stdin.end()
    expect((await once(first, "exit"))[0]).toBe(0)
    expect(await toldOf("twice", 4)).toHaveLength(4)
    const spools = within("data", "state", "writers", "app", "spool-run")
    expect(readdirSync(spools).sort()).toEqual(["0", "1"])
  })
})

const within = (...path: string[]) => join(live.directory, ...path)

describe("a reason", () => {
  test("is needed: without a terminal to ask at nothing is started", () => {
    const { status, stdout, stderr } = spawnSync(
      "setsid",
      [process.execPath, ...argvOf("--", "echo", "no")],
      {
        encoding: "utf8",
      },
    )
    expect([status, stdout]).toEqual([2, ""])
    expect(stderr).toContain("say --reason or --ticket")
  })

  test.each([
    [["--reason", " ", "--", "true"], "some text"],
    [["--reason", "x".repeat(1001), "--", "true"], "at most 1000"],
    [["--reason", "x", "--record", "--", "true"], "records a terminal"],
    [["--reason", "x"], "missing required argument"],
    [["--reason", "x", "--when-down", "hope", "--", "true"], "refuse, spool"],
  ])("%.60j is not understood", async (args, said) => {
    const { status, stderr } = await runHere(argvOf(...args).slice(1))
    expect([status, stderr]).toEqual([2, expect.stringContaining(said)])
  })
})

const script = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? ""
const isThere = script.includes("util-linux")
describe.skipIf(!isThere && process.env.CI === undefined)("at a terminal", () => {
  /** As a person at a terminal; `typed` is what is typed. */
  function atTerminal(args: readonly string[], typed: string) {
    const words = [process.execPath, ...argvOf(...args)].map((word) => `'${word}'`).join(" ")
    return spawnSync("script", ["--quiet", "--return", "--command", words, "/dev/null"], {
      input: typed,
      encoding: "utf8",
    })
  }

  test("the reason is asked for, and the rest of what is typed is the command's", async () => {
    const { status, stdout } = atTerminal(["--", "head", "-n", "1"], "typed reason\nfor head\n")
    expect(stdout).toContain("why?")
    expect(status).toBe(0)
    const [started] = await toldOf("typed reason")
    expect(started).toMatchObject({ origin: { tty: expect.stringMatching(/^\/dev\/pts\//) } })
  })

  test("what is shown is kept beside the log, sealed, and fits its digest", async () => {
    const { status } = atTerminal(
      [
        "--reason",
        "shown",
        "--record",
        "--",
        "sh",
        "-c",
        "echo hel'l'o; exit 4".replaceAll("'", ""),
      ],
      "",
    )
    expect(status).toBe(4)
    const [, ended] = await toldOf("shown")
    expect(ended).toMatchObject({ data: { exitCode: 4 }, _sd: [expect.any(String)] })
    expect(ended).not.toHaveProperty("response")
    const query = ["search", 'reason.text:"shown"', "--limit", "1", "--json"]
    const found = await runHere([...query, "--profile", live.profiles.reader])
    const index = String(JSON.parse(found.stdout).entries[0].index)
    const show = ["show", index, "--disclosed", "--json", "--profile", live.profiles.reader]
    const { recording } = JSON.parse((await runHere(show)).stdout).disclosed.event.response
    expect(recording).toMatchObject({ format: "asciicast-v2", isWhole: true })
    const text = recording.events.map(([, , piece]: [number, string, string]) => piece).join("")
    expect(text).toContain("hello\r\n")
  })
})

describe("while the port is down", () => {
  test("nothing is started, or by --when-down spool it is recorded and told later", async () => {
    await live.end("port", "SIGTERM")
    const refused = runIt(["--reason", "down", "--", "echo", "started"])
    expect([refused.status, refused.stdout]).toEqual([4, ""])
    const spooled = runIt([
      "--reason",
      "spooled",
      "--when-down",
      "spool",
      "--",
      "sh",
      "-c",
      "exit 9",
    ])
    expect([spooled.status, spooled.stderr]).toEqual([9, expect.stringContaining("in the spool")])
    await live.start("port")
    expect(runIt(["--reason", "after", "--", "true"]).status).toBe(0)
    expect((await toldOf("spooled")).map(({ outcome }) => outcome)).toEqual(["unknown", "failure"])
    expect(await toldOf("down", 0)).toEqual([])
  }, 60_000)
})
