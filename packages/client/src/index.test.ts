/** README.md's snippets, run as they stand against a port and a reader of their own. */
import { type ChildProcess, execFile, fork, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { checkReceipt } from "@postern/log/evidence"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { formatProfile, loadProfile, openReader } from "./index.ts"

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const readme = readFileSync(at("../README.md"), "utf8")
const snippets = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code as string)
/** On a busy machine. */
const snippetMs = 60_000
const waitMs = 60_000
/** The snippet's signal ends a tail after two seconds, too soon for a machine that is busy; here it is when no more is awaited. */
const endsWithInput = `AbortSignal.timeout = () => {
  const end = new AbortController()
  process.stdin.once("end", () => end.abort()).resume()
  return end.signal
}`

/** This Node, and the oldest one that the package promises to run on, where the machine has it. */
const nodes: [name: string, path: string][] = [["this Node", process.execPath]]
const systemNode = "/usr/bin/node"
const { stdout: version } = spawnSync(systemNode, ["--version"], { encoding: "utf8" })
const isOlder = /^v20\.(?:19|[2-9]\d)\./.test(version ?? "")
if (isOlder) nodes.push(["Node 20", systemNode])
else process.stderr.write("README: there is no Node 20 at /usr/bin/node, it is not tried\n")

const directory = mkdtempSync(join(tmpdir(), "postern-readme-"))
const place = join(directory, "audit")
const config = join(place, "postern.yaml")
const children: ChildProcess[] = []
let runs = 0

/** A process of the server, from the file on disk: the packages know nothing of it. Gives the address of its plane. */
async function start(name: "port" | "reader", plane: "write" | "read"): Promise<string> {
  const main = at(`../../server/dist/${name}/main.js`)
  const child = fork(main, [config], { stdio: ["ignore", "ignore", "pipe", "ipc"] })
  children.push(child)
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = once(child, "exit").then((): never => {
    throw new Error(`the ${name} ended: ${said}`)
  })
  ended.catch(() => undefined) // Of interest until it listens.
  const [message] = await Promise.race([once(child, "message"), ended])
  const { ready } = message as { ready: Record<string, string[]> }
  return ready[plane]?.[0] ?? ""
}

function editConfig(edit: (text: string) => string): void {
  writeFileSync(config, edit(readFileSync(config, "utf8")))
}

function writeProfile(name: string, address: string): void {
  const profile = { ...loadProfile(join(place, "profiles", `${name}.yaml`)), address }
  writeFileSync(join(directory, `${name}.yaml`), formatProfile(profile), { mode: 0o600 })
}

beforeAll(async () => {
  const command = at("../../server/bin/postern.cjs")
  const made = spawnSync(process.execPath, [command, "init", place], { encoding: "utf8" })
  expect(made.stderr).toBe("")
  editConfig((text) => text.replaceAll(/:1751[456]\b/g, ":0"))
  const address = await start("port", "write")
  writeProfile("writer", address)
  // Where the reader writes down what it was asked.
  editConfig((text) => text.replace(/^(\s*write:.*):0\b/m, `$1:${address.split(":").at(-1)}`))
  writeProfile("reader", await start("reader", "read"))
  // A log that has just begun has no checkpoint for a second.
  const reader = openReader(join(directory, "reader.yaml"))
  await vi.waitFor(() => reader.checkpoint(), { timeout: waitMs })
  reader.close()
  mkdirSync(join(directory, "node_modules/@postern"), { recursive: true })
  for (const name of ["client", "log"]) {
    symlinkSync(at(`../../${name}`), join(directory, "node_modules/@postern", name))
  }
}, 300_000)

afterAll(async () => {
  for (const child of children.reverse()) {
    child.kill("SIGTERM")
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
})

/** @param awaited what a tail has to say before it is ended */
function run(
  node: string,
  code: string,
  awaited?: RegExp,
): Promise<{ stdout: string; stderr: string }> {
  const file = join(directory, `snippet-${++runs}.mjs`)
  writeFileSync(file, code)
  const before = `data:text/javascript,${encodeURIComponent(endsWithInput)}`
  const args = awaited === undefined ? [file] : ["--import", before, file]
  return new Promise((resolve, reject) => {
    const options = { cwd: directory, timeout: snippetMs }
    const child = execFile(node, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr })
      else reject(new Error(`${error.message}\n${stderr}`))
    })
    let said = ""
    child.stdout?.on("data", (text: string) => {
      said += text
      if (awaited?.test(said) === true) child.stdin?.end()
    })
  })
}

async function actionsInLog(): Promise<unknown[]> {
  const reader = openReader(join(directory, "reader.yaml"))
  const actions: unknown[] = []
  for await (const { event } of reader.search({ source: "app://*" }, { order: "asc" })) {
    actions.push(event.action)
  }
  reader.close()
  return actions
}

describe("README.md", () => {
  test("has the snippets that are tried here", () => {
    expect(snippets.map((code) => /from "@postern\/client"/.test(code))).toEqual(
      Array(5).fill(true),
    )
  })

  test.each(nodes)(
    "writes with %s: each process ends by itself, each event is there once",
    async (_, node) => {
      const before = await actionsInLog()
      for (const code of snippets.slice(0, 3)) {
        expect((await run(node, code)).stderr).toBe("")
      }
      const written = ["invoice.deleted", "key.exported", "service.started"]
      // The reader follows the port: what has just been acknowledged it shows a moment later.
      const shown = async () => expect(await actionsInLog()).toEqual([...before, ...written])
      await vi.waitFor(shown, { timeout: waitMs, interval: 100 })
      const { log } = loadProfile(join(directory, "writer.yaml"))
      const file = readFileSync(join(directory, "receipt.json"), "utf8")
      const { leaf } = await checkReceipt(file, log.vkey)
      expect(Buffer.from(leaf).toString()).toContain('"action":"key.exported"')
    },
    300_000,
  )

  test("reads with each Node", async () => {
    const exported = /^\d+ key\.exported$/m
    const read = async (node: string): Promise<void> => {
      const [found, followed] = await Promise.all([
        run(node, snippets[3] as string),
        run(node, snippets[4] as string, exported),
      ])
      const row = /^\d+ \S+Z spiffe:\/\/\S+\/writer\/\S+ invoice\.deleted (?:true|false)$/m
      expect(found.stdout).toMatch(row)
      expect(followed.stdout).toMatch(exported)
      expect([found.stderr, followed.stderr]).toEqual(["", ""])
    }
    await Promise.all(nodes.map(([, node]) => read(node)))
  }, 300_000)
})
