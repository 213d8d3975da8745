import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { formatProfile, type Profile, parseProfile } from "@postern/client"
import { issueCertificate, type KeyPair } from "../../packages/server/dist/guard/pki/index.js"
import { initDirectory } from "../../packages/server/dist/guard/setup/index.js"
import { nodeFlags } from "../../packages/server/dist/supervisor/supervisor.js"
import { freePorts } from "../../packages/server/src/cli/free-ports.test.support.ts"
import { within } from "./waiting.ts"

type Name = "port" | "reader" | "courier"

const startMs = 30_000
const endMs = 20_000

/** An installation as `postern init` makes it, and its processes, each of which can be started and ended by itself. */
export class Service {
  readonly directory: string
  readonly configFile: string
  readonly addresses: { readonly write: number; readonly read: number; readonly ops: number }
  readonly ca: KeyPair
  readonly #running = new Map<Name, ChildProcess>()
  readonly #said = new Map<Name, string>()

  private constructor(directory: string, addresses: Service["addresses"]) {
    this.directory = directory
    this.configFile = join(directory, "postern.yaml")
    this.addresses = addresses
    const read = (name: string) => readFileSync(join(directory, "pki", name), "utf8")
    this.ca = { certificate: read("ca.crt"), key: read("ca.key") }
  }

  static async make(): Promise<Service> {
    const directory = join(mkdtempSync(join(tmpdir(), "postern-service-")), "audit")
    const [write = 0, read = 0, ops = 0] = await freePorts(3)
    await initDirectory({ directory, ports: { write, read, ops } })
    return new Service(directory, { write, read, ops })
  }

  async start(...names: readonly Name[]): Promise<void> {
    for (const name of names) this.#running.set(name, await this.#start(name))
  }

  async #start(name: Name): Promise<ChildProcess> {
    const main = new URL(`../../packages/server/dist/${name}/main.js`, import.meta.url)
    const child = fork(fileURLToPath(main), [this.configFile], {
      execArgv: [...nodeFlags[name]],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    })
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#said.set(name, this.said(name) + chunk.toString())
    })
    const ended = once(child, "close").then((): never => {
      throw new Error(`the ${name} ended: ${this.said(name)}`)
    })
    ended.catch(() => undefined) // Of interest until it is ready.
    await within(Promise.race([once(child, "message"), ended]), startMs, `the start of the ${name}`)
    return child
  }

  /** What it said on standard error. */
  said(name: Name): string {
    return this.#said.get(name) ?? ""
  }

  async end(name: Name, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#running.get(name)
    this.#running.delete(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, "exit")
    child.kill(signal)
    await within(exit, endMs, `the end of the ${name}`)
  }

  signal(name: Name, signal: "SIGHUP"): void {
    this.#running.get(name)?.kill(signal)
  }

  /** A profile of the installation with a certificate that lives for so long, of which `bornAgo` seconds are over. Gives its path. */
  async shortLived(name: string, seconds: number, bornAgo = 0): Promise<string> {
    const file = this.profileFile(name)
    const profile = this.profile(name)
    const pair = await this.issue(profile.id, seconds, bornAgo)
    writeFileSync(file, formatProfile({ ...profile, ...pair }), { mode: 0o600 })
    return file
  }

  /** A certificate that lives for so long; `bornAgo` seconds of it are over. */
  issue(id: string, seconds: number, bornAgo = 0, authority = this.ca): Promise<KeyPair> {
    const now = new Date(Date.now() - bornAgo * 1000)
    return issueCertificate({ authority, id, usage: "client", now, days: seconds / 86_400 })
  }

  profileFile(name: string): string {
    return join(this.directory, "profiles", `${name}.yaml`)
  }

  profile(name: string): Profile {
    return parseProfile(readFileSync(this.profileFile(name), "utf8"))
  }

  async remove(): Promise<void> {
    for (const name of ["reader", "courier", "port"] as const) await this.end(name)
    rmSync(join(this.directory, ".."), { recursive: true })
  }
}
