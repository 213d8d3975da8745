import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough, Writable } from "node:stream"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { initDirectory } from "../guard/setup/index.ts"
import type { CommandIo } from "./io.ts"
import { run } from "./main.ts"

const base = mkdtempSync(join(tmpdir(), "postern-run-"))
const config = join(base, "audit", "postern.yaml")

beforeAll(async () => {
  await initDirectory({ directory: join(base, "audit") })
})
afterAll(() => rmSync(base, { recursive: true }))

interface Result {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** The command line in this process, with what it prints kept. */
async function runHere(args: readonly string[]): Promise<Result> {
  const said = { stdout: "", stderr: "" }
  const keep = (name: keyof typeof said) =>
    new Writable({
      write: (chunk, _encoding, done) => {
        said[name] += String(chunk)
        done()
      },
    })
  const [stdout, stderr] = [keep("stdout"), keep("stderr")]
  const io: CommandIo = {
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: {},
    color: false,
    line: (text) => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    now: () => new Date(),
  }
  return { status: await run(args, io), ...said }
}

function expectFailure(result: Result, code: number, error: RegExp) {
  const lines = result.stderr.split("\n")
  expect(lines).toHaveLength(3)
  expect(lines[0]).toMatch(/^postern: error: ./)
  expect(lines[0]).toMatch(error)
  expect(lines[1]).toMatch(/^postern: hint: ./)
  expect(lines[2]).toBe("")
  expect([result.status, result.stdout]).toEqual([code, ""])
}

describe("the command line", () => {
  test.each([
    [["nonsense"], 2, /unknown command 'nonsense'/],
    [["--nonsense"], 2, /unknown option '--nonsense'/],
    [["init"], 2, /missing required argument 'dir'/],
    [["init", "a", "b"], 2, /too many arguments/],
    [["init", "/nowhere/x", "--write-port", "0"], 2, /--write-port must be a whole number/],
    [["init", "/nowhere/x", "--origin", "a b"], 2, /origin "a b"/],
    [["writer"], 2, /a subcommand is missing/],
    [["writer", "ad"], 2, /unknown command 'ad'/],
    [["writer", "add", "x"], 2, /required option '--config <file>'/],
    [["writer", "add", "X", "--config", config], 2, /the name "X"/],
    [["writer", "add", "x", "--config", config, "--adapters", "ftp"], 2, /adapters\[0\]/],
    [["writer", "add", "x", "--config", config, "--sources", ","], 2, /empty item/],
    [
      ["reader", "add", "x", "--config", config, "--see", "all"],
      2,
      /auditor, investigator, monitor/,
    ],
    [["reader", "add", "x", "--config", config, "--see", "investigator"], 2, /query: is missing/],
    [["reader", "add", "x", "--config", config, "--query", "actor:a"], 2, /for investigators only/],
    [["writer", "add", "app", "--config", config], 1, /spiffe:\/\/postern\.local\/writer\/app in/],
    [
      ["writer", "list", "--config", "/nowhere/none.yaml"],
      78,
      /none\.yaml cannot be opened \(ENOENT\)/,
    ],
    [["init", join(base, "audit/postern.yaml/x")], 1, /ENOTDIR/],
  ])("%j fails in two lines", async (args, code, error) => {
    expectFailure(await runHere(args), code, error)
  })

  test.each([[[]], [["--help"]], [["init", "--help"]], [["writer", "--help"]]])(
    "%j prints help to stdout",
    async (args) => {
      const result = await runHere(args)
      expect([result.status, result.stderr]).toEqual([0, ""])
      expect(result.stdout).toContain("Usage: postern")
      expect(result.stdout).not.toContain("\u001b")
    },
  )

  test.each([
    ["init"],
    ["writer"],
    ["reader"],
    ["writer add"],
    ["writer list"],
    ["reader add"],
    ["reader list"],
  ])("%s has examples in its help", async (command) => {
    expect((await runHere([...command.split(" "), "--help"])).stdout).toContain(
      "Examples:\n  postern ",
    )
  })
})
