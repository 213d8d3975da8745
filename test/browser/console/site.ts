import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { freePorts, postern } from "../../interop/port-process.ts"
import { until, within } from "../../support/waiting.ts"

const bin = fileURLToPath(new URL("../../../packages/server/bin/postern.cjs", import.meta.url))
const readyMs = 30_000

/** A whole installation with its loopback door, as a newcomer has it: real processes, real certificates. */
export class Site {
  readonly directory: string
  readonly vkey: string
  readonly #children: ChildProcess[] = []
  #door: ChildProcess | undefined
  #said = ""

  private constructor(directory: string, vkey: string) {
    this.directory = directory
    this.vkey = vkey
  }

  static async open(): Promise<Site> {
    const directory = join(mkdtempSync(join(tmpdir(), "postern-console-")), "site")
    const made = await postern(["init", directory])
    if (made.code !== 0) throw new Error(made.text)
    const vkey = /^ {2}(\S+\+[0-9a-f]{8}\+\S+)$/m.exec(made.text)?.[1] ?? ""
    const ports = await freePorts(3)
    for (const name of ["postern.yaml", "profiles/writer.yaml", "profiles/reader.yaml"]) {
      const file = join(directory, name)
      const text = readFileSync(file, "utf8")
      writeFileSync(
        file,
        text.replaceAll(/\b1751([456])\b/g, (_, last) => `${ports[Number(last) - 4]}`),
      )
    }
    const site = new Site(directory, vkey)
    site.#start(["serve", "--config", join(directory, "postern.yaml")])
    await until(() => (site.#said.includes("reader ready") ? true : undefined), readyMs, "a reader")
    return site
  }

  /** A link that works once. @param reader name of the profile */
  async link(reader = "reader"): Promise<string> {
    this.#door?.kill("SIGTERM")
    const before = this.#said.length
    const profile = join(this.directory, `profiles/${reader}.yaml`)
    this.#door = this.#start(["console", "--profile", profile, "--no-open", "--port", "0"])
    const find = () => /http:\/\/127\.0\.0\.1:\d+\/#once=[\w-]+/.exec(this.#said.slice(before))?.[0]
    return until(find, readyMs, "a link")
  }

  /** One more investigator; gives the name of its profile. */
  async addInvestigator(name: string, query: string): Promise<string> {
    const config = join(this.directory, "postern.yaml")
    const grant = ["--see", "investigator", "--query", query]
    const { code, text } = await postern(["reader", "add", name, ...grant, "--config", config])
    if (code !== 0) throw new Error(text)
    return `reader-${name}`
  }

  /** Sends these events and waits until they are durable. */
  async send(events: readonly object[]): Promise<void> {
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("")
    const profile = join(this.directory, "profiles/writer.yaml")
    const { code, text } = await postern(["send", "--profile", profile], lines)
    if (code !== 0) throw new Error(text)
  }

  async close(): Promise<void> {
    for (const child of this.#children.reverse()) {
      const isRunning = child.exitCode === null && child.signalCode === null
      const ended = isRunning ? once(child, "exit") : undefined
      child.kill("SIGTERM")
      if (ended !== undefined) await within(ended, readyMs, "the end of a process")
    }
    rmSync(join(this.directory, ".."), { recursive: true, force: true })
  }

  #start(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [bin, ...args], { stdio: ["pipe", "pipe", "pipe"] })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#said += chunk.toString()
      })
    }
    this.#children.push(child)
    return child
  }
}

const people = ["alice", "bob", "carol", "dave"]
const actions = ["invoice.read", "invoice.deleted", "user.login", "role.granted"]

/** Events that have one of everything that a page shows. */
export function events(count: number, from = 0): object[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    const action = actions[n % actions.length] as string
    return {
      action,
      source: "app://billing",
      outcome: n % 7 === 3 ? "denied" : n % 11 === 5 ? "failure" : "success",
      actor: { type: "user", id: people[n % people.length], session: `s-${n % 5}` },
      targets: [{ type: action.split(".")[0], id: String(4700 + n) }],
      origin: { ip: `10.0.0.${n % 250}` },
      request: { id: `req-${Math.floor(n / 3)}` },
      ...(action === "role.granted" ? { changes: [{ path: "limit", before: 5, after: 10 }] } : {}),
      // Too large for an entry: the port keeps it beside the log.
      ...(n === 9 ? { data: { blob: "needle ".repeat(12_000) } } : { data: { note: `no ${n}` } }),
    }
  })
}
