import { type SpawnSyncReturns, spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, test } from "vitest"

const bin = fileURLToPath(new URL("../../bin/postern.cjs", import.meta.url))
const base = mkdtempSync(join(tmpdir(), "postern-cli-"))
const config = join(base, "audit", "postern.yaml")

function postern(args: readonly string[], env: Record<string, string> = {}) {
  return start(process.execPath, [bin, ...args], env)
}

function start(node: string, args: readonly string[], env: Record<string, string>) {
  const { POSTERN_CONFIG: _config, POSTERN_PROFILE: _profile, ...rest } = process.env
  return spawnSync(node, args, { cwd: base, env: { ...rest, ...env }, encoding: "utf8" })
}

function expectFailure(result: SpawnSyncReturns<string>, code: number, error: string | RegExp) {
  const lines = result.stderr.split("\n")
  expect(lines).toHaveLength(3)
  expect(lines[0]).toMatch(/^postern: error: ./)
  expect(lines[0]).toMatch(error)
  expect(lines[1]).toMatch(/^postern: hint: ./)
  expect(lines[2]).toBe("")
  expect([result.status, result.stdout]).toEqual([code, ""])
}

let made: SpawnSyncReturns<string>
beforeAll(() => {
  made = postern(["init", "audit"])
})
afterAll(() => rmSync(base, { recursive: true }))

describe("postern", () => {
  test("init says what it made and what comes next", () => {
    expect([made.status, made.stderr]).toEqual([0, ""])
    expect(made.stdout).toContain("postern serve --config audit/postern.yaml")
    expect(made.stdout).toContain("--profile audit/profiles/writer.yaml")
    expect(made.stdout).toMatch(/^ {2}postern\.local\/audit\+[0-9a-f]{8}\+\S{44}$/m)
    expect(existsSync(config)).toBe(true)
    expectFailure(postern(["init", "audit"]), 1, /is not overwritten: .*postern\.yaml/)
  })

  test("init --json is one document", () => {
    const flags = ["--write-port", "1", "--read-port", "2", "--ops-port", "3", "--json"]
    const result = postern([
      "init",
      "json",
      "--origin",
      "x.example/a",
      "--host",
      "h.example",
      ...flags,
    ])
    const summary = JSON.parse(result.stdout)
    expect(summary).toMatchObject({
      origin: "x.example/a",
      config: join(base, "json/postern.yaml"),
    })
    expect(readFileSync(summary.profiles.writer, "utf8")).toContain("h.example:1")
  })

  test("writer and reader: add, then list as table and as JSON", () => {
    const added = postern(["writer", "add", "billing", "--config", config, "--owner", "Ann"])
    expect(added.status).toBe(0)
    expect(added.stdout).toMatch(
      /^id {7}spiffe:\/\/postern\.local\/writer\/billing\nprofile {2}\S+\n$/,
    )
    expect(added.stderr).toBe(
      "the service is not running: the list will hold from its next start on\n",
    )
    const reader = postern(["reader", "add", "bob", "--see", "monitor", "--json"], {
      POSTERN_CONFIG: config,
    })
    expect([reader.status, reader.stderr]).toEqual([0, ""])
    expect(JSON.parse(reader.stdout)).toMatchObject({ state: "at-start" })
    const table = postern(["writer", "list", "--config", config]).stdout.trimEnd().split("\n")
    expect(table[0]).toMatch(/^ID +ADAPTERS +SOURCES +ACTIONS +OWNER +EXPIRES$/)
    expect(table.at(-1)).toMatch(/^spiffe:\S+\/billing +postern,http +app:\S+ +\* +Ann$/)
    const writers = JSON.parse(postern(["writer", "list", "--config", config, "--json"]).stdout)
    expect(writers.writers.map((one: { id: string }) => one.id.split("/").at(-1))).toEqual([
      "app",
      "reader",
      "billing",
    ])
    const readers = JSON.parse(postern(["reader", "list", "--config", config, "--json"]).stdout)
    expect(readers.readers.at(-1)).toMatchObject({ grant: { see: "monitor" } })
    expect(readers.digest).toBe(writers.digest)
  })

  test("fails in two lines and by number", () => {
    expectFailure(postern(["nonsense"]), 2, /unknown command 'nonsense'/)
    expectFailure(postern(["writer", "add", "X", "--config", config]), 2, /the name "X"/)
    expectFailure(postern(["writer", "list", "--config", "none.yaml"]), 78, /none\.yaml cannot be/)
  })

  test("names the line of a broken configuration or access list", () => {
    const broken = join(base, "broken.yaml")
    writeFileSync(broken, "origin: x\nlisten: 1\n")
    expectFailure(
      postern(["writer", "list", "--config", broken]),
      78,
      /broken\.yaml line 2: listen:/,
    )
    cpSync(join(base, "audit"), join(base, "copy"), { recursive: true })
    writeFileSync(join(base, "copy/access.yaml"), "identities:\n  - role: king\n")
    const result = postern(["writer", "list", "--config", "copy/postern.yaml"])
    expectFailure(result, 78, /line 2: identities\[0\]\./)
  })

  test("--version prints the package's", () => {
    expect(postern(["--version"]).stdout).toMatch(/^postern \d+\.\d+\.\d+\n$/)
  })
})

describe("bin/postern.cjs", () => {
  /** The same file in another place, told that it runs under an old Node. */
  function install(
    name: string,
    node?: string,
  ): (args: readonly string[]) => SpawnSyncReturns<string> {
    const directory = join(base, name, "packages", "server")
    mkdirSync(join(directory, "bin"), { recursive: true })
    const copy = join(directory, "bin", "postern.cjs")
    cpSync(bin, copy)
    const old = join(base, name, "old.cjs")
    const version = `{ ...process.versions, node: "18.20.0" }`
    writeFileSync(old, `Object.defineProperty(process, "versions", { value: ${version} })`)
    if (node !== undefined) {
      const machine = `${process.platform}-${process.arch}`
      const home = join(base, name, "node_modules", `node-${machine}`, "bin")
      mkdirSync(home, { recursive: true })
      writeFileSync(join(home, "node"), node, { mode: 0o755 })
    }
    return (args) => start(process.execPath, ["--require", old, copy, ...args], {})
  }

  test("says what to do where it was not built", () => {
    const directory = join(base, "unbuilt", "bin")
    mkdirSync(directory, { recursive: true })
    cpSync(bin, join(directory, "postern.cjs"))
    const result = start(process.execPath, [join(directory, "postern.cjs")], {})
    expectFailure(result, 78, /not built/)
    expect(result.stderr).toContain("npm run build")
  })

  test("says what to do under an old Node with no other at hand", () => {
    expectFailure(install("alone")(["--version"]), 78, /Node 18\.20\.0 is too old/)
  })

  test("hands over to the Node that npm brought, arguments, exit code and all", () => {
    const postern = install("both", '#!/bin/sh\nshift\necho "other:$*"\nexit 5\n')
    const result = postern(["writer", "add", "a b"])
    expect([result.status, result.stdout, result.stderr]).toEqual([5, "other:writer add a b\n", ""])
  })

  test("ends by the signal that ended the other one", () => {
    const postern = install("killed", "#!/bin/sh\nkill -TERM $$\n")
    expect(postern([]).signal).toBe("SIGTERM")
  })

  test("does not search for ever if the other one is old too", () => {
    const postern = install(
      "older",
      `#!/bin/sh\nexec ${process.execPath} --require ${join(base, "older", "old.cjs")} "$@"\n`,
    )
    expectFailure(postern(["--version"]), 78, /Node 18\.20\.0 is too old/)
  })
})
