/** The packages as npm would publish them: what is inside, whether every door opens, and what two others who look at packages say. */
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { house } from "./source.ts"

const names = ["log", "client"] as const
const directory = mkdtempSync(join(tmpdir(), "postern-publish-"))
const fileOf = (name: string) => join(directory, `postern-${name}-0.1.0.tgz`)
const placeOf = (name: string) => join(directory, "node_modules", "@postern", name)

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, object>>
  readonly dependencies?: Readonly<Record<string, string>>
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(placeOf(name), "package.json"), "utf8")) as Manifest
}

beforeAll(() => {
  const workspaces = names.flatMap((name) => ["--workspace", `packages/${name}`])
  const args = ["pack", "--ignore-scripts", "--offline", "--pack-destination", directory]
  execFileSync("npm", [...args, ...workspaces], { cwd: house, stdio: "ignore" })
  for (const name of names) {
    mkdirSync(placeOf(name), { recursive: true })
    execFileSync("tar", ["-xzf", fileOf(name), "-C", placeOf(name), "--strip-components=1"])
  }
})

afterAll(() => rmSync(directory, { recursive: true }))

describe.each(names)("@postern/%s", (name) => {
  test("holds what is built, without tests", () => {
    const list = execFileSync("tar", ["-tzf", fileOf(name)], { encoding: "utf8" }).split("\n")
    expect(list).toContain("package/package.json")
    expect(list.filter((path) => /\.(?:test|fixture)\.|\.tsbuildinfo/.test(path))).toEqual([])
  })

  test("is sound to publint", async () => {
    const tarball = readFileSync(fileOf(name))
    const buffer = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length)
    const { messages, pkg } = await publint({ strict: true, pack: { tarball: buffer } })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  test("has the right types, to arethetypeswrong", () => {
    const attw = join(house, "node_modules/.bin/attw")
    const args = [fileOf(name), "--profile", "esm-only", "--no-color", "--no-emoji"]
    const { status, stdout, stderr } = spawnSync(process.execPath, [attw, ...args], {
      encoding: "utf8",
    })
    expect(status, stdout + stderr).toBe(0)
  }, 120_000) // A process that works for seconds, alone on the machine.
})

describe("installed from their files", () => {
  /** This Node, and the oldest that the packages promise to run on, where the machine has it. */
  const old = "/usr/bin/node"
  const version = existsSync(old) ? execFileSync(old, ["--version"], { encoding: "utf8" }) : ""
  const nodes = [process.execPath, ...(/^v20\.(?:19|[2-9]\d)\./.test(version) ? [old] : [])]

  test.each(nodes)("every door opens with %s, and nothing else is needed", (node) => {
    const doors = names.flatMap((name) => {
      const { name: whole, exports: all } = manifestOf(name)
      return Object.keys(all).map((door) => `${whole}${door.slice(1)}`)
    })
    expect(doors).toContain("@postern/client/pino")
    const code = `for (const door of ${JSON.stringify(doors)}) await import(door)`
    const args = ["--input-type=module", "--eval", code]
    const { status, stderr } = spawnSync(node, args, { cwd: directory, encoding: "utf8" })
    expect(status, stderr).toBe(0)
  })

  test("they depend on nobody else", () => {
    expect(manifestOf("log").dependencies).toBeUndefined()
    expect(Object.keys(manifestOf("client").dependencies ?? {})).toEqual(["@postern/log"])
  })
})
