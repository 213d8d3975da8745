import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { processIo } from "./io.ts"
import { run } from "./main.ts"

let directory: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-manual-"))
  await run(["manual", directory], { ...processIo(), note: () => undefined })
})
afterAll(() => rmSync(directory, { recursive: true }))

async function printed(...argv: string[]): Promise<string> {
  let text = ""
  const stdout = {
    write: (part: string) => {
      text += part
    },
  }
  await run(argv, { ...processIo(), stdout: stdout as never })
  return text
}

describe("the manual", () => {
  test("has a page about each command, with its options, its remarks and what is below it", async () => {
    const help = await printed("--help")
    const names = readdirSync(directory)
    for (const [, command = ""] of help.matchAll(/^ {2}([a-z]+) /gm)) {
      expect(names).toContain(`postern-${command}.1`)
      // It comes alone when it is named, under the name that main.ts has for it.
      expect(await printed(command, "--help")).toContain(`Usage: postern ${command} `)
    }
    const page = readFileSync(join(directory, "postern-writer.1"), "utf8")
    expect(page).toContain('.SH "POSTERN WRITER ADD"')
    expect(page).toContain(".B \\-\\-config <file>")
    expect(page).toContain("environment: POSTERN_CONFIG")
    expect(readFileSync(join(directory, "postern-search.1"), "utf8")).toContain("Examples:")
  })

  const { status } = spawnSync("groff", ["--version"])
  test.skipIf(status !== 0 && process.env.CI === undefined)(
    "is understood by groff without a warning",
    () => {
      for (const name of readdirSync(directory)) {
        const args = ["-man", "-Tutf8", "-ww", "-z", join(directory, name)]
        const { stderr, status } = spawnSync("groff", args, { encoding: "utf8" })
        expect([name, status, stderr]).toEqual([name, 0, ""])
      }
    },
    120_000,
  )
})

describe("the completion of a shell", () => {
  let script: string
  beforeAll(async () => {
    script = join(directory, "completion.bash")
    writeFileSync(script, await printed("completion", "bash"))
  })

  /** What bash offers for the last of these words. */
  function offered(...words: string[]): string[] {
    const line = words.map((word) => `'${word}'`).join(" ")
    const ask = `source ${script}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _postern; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync("bash", ["-c", ask], { encoding: "utf8", cwd: directory })
      .trim()
      .split("\n")
  }

  test("offers commands, commands below them, and their options", () => {
    expect(offered("postern", "sea")).toEqual(["search"])
    expect(offered("postern", "writer", "")).toContain("add")
    expect(offered("postern", "writer", "add", "--conf")).toEqual(["--config"])
    expect(offered("postern", "--config", "x", "key", "rot")).toEqual(["rotate"])
  })

  test("offers files where nothing of ours fits", () => {
    writeFileSync(join(directory, "zebra.yaml"), "")
    expect(offered("postern", "search", "--profile", "zeb")).toEqual(["zebra.yaml"])
  })

  test("knows all three shells, and says which there are", async () => {
    expect(await printed("completion", "zsh")).toContain("bashcompinit")
    expect(await printed("completion", "fish")).toContain("-a 'search'")
    expect(
      await run(["completion", "tcsh"], { ...processIo(), stderr: { write: () => true } as never }),
    ).toBe(2)
  })
})
