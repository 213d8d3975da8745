import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { formatProfile } from "@postern/client"
import { issueCertificate, type KeyPair } from "../../packages/server/dist/guard/pki/index.js"
import { initDirectory } from "../../packages/server/dist/guard/setup/index.js"
import type { Place } from "./port-process.ts"

/** A certificate, its key and the SPIFFE ID in it. */
export interface Identity extends KeyPair {
  readonly id: string
}

/** A writer's grant, as in access.yaml. */
export interface Grant {
  readonly adapters?: readonly string[]
  readonly sources?: readonly string[]
  readonly actions?: readonly string[]
  readonly eventsPerSecond?: number
  readonly bytesPerSecond?: number
  readonly eventBytes?: number
  readonly internal?: boolean
}

export const trustDomain = "postern.local"
const generous = {
  adapters: ["postern", "http", "kubernetes"],
  sources: ["app://*", "kubernetes://*"],
  actions: ["*"],
}

/** A directory as `postern init` makes it, on free ports, with an access list that tests can change. */
export class Installation {
  readonly directory: string
  readonly ca: KeyPair
  readonly vkey: string
  readonly operator: Identity
  readonly #identities = new Map<string, object>()

  private constructor(directory: string, vkey: string, ca: KeyPair, operator: Identity) {
    this.directory = directory
    this.vkey = vkey
    this.ca = ca
    this.operator = operator
    this.#identities.set(operator.id, { id: operator.id, role: "operator" })
    const courier = `spiffe://${trustDomain}/postern/courier`
    this.#identities.set(courier, { id: courier, role: "courier" })
    this.writeAccess()
  }

  /** @param parent where the directory is made; default: the system's place for temporary files */
  static async make(parent = tmpdir()): Promise<Installation> {
    const directory = mkdtempSync(join(parent, "postern-"))
    const { vkey } = await initDirectory({ directory, ports: { write: 0, read: 0, ops: 0 } })
    const read = (name: string) => readFileSync(join(directory, "pki", name), "utf8")
    const ca = { certificate: read("ca.crt"), key: read("ca.key") }
    const operator = await issue(ca, "operator/admin")
    return new Installation(directory, vkey, ca, operator)
  }

  /** A policy that changes nothing, where bytes are compared: the one that init writes marks texts that are too long for its detectors. */
  keepAll(): this {
    writeFileSync(join(this.directory, "policy.yaml"), "rules: [{ name: all, level: full }]\n")
    return this
  }

  /** With the syslog plane, on this port of 127.0.0.1; 0: any free one. */
  speakSyslog(port = 0): this {
    const text = readFileSync(this.configFile, "utf8")
    writeFileSync(
      this.configFile,
      text.replace(/^listen:\n/m, `listen:\n  syslog: ["127.0.0.1:${port}"]\n`),
    )
    return this
  }

  get configFile(): string {
    return join(this.directory, "postern.yaml")
  }
  get log(): string {
    return join(this.directory, "data", "log")
  }
  get accessFile(): string {
    return join(this.directory, "access.yaml")
  }
  get adminSocket(): string {
    return join(this.directory, "data", "state", "port", "admin.sock")
  }

  /** A certificate of this installation's CA that stands in no list. */
  issue(path: string, usage: "client" | "server" = "client"): Promise<Identity> {
    return issue(this.ca, path, usage)
  }

  /** A writer with certificate and grant, in the access list on disk. */
  async writer(name: string, grant: Grant = {}): Promise<Identity> {
    const identity = await this.issue(`writer/${name}`)
    this.grant(identity.id, grant)
    return identity
  }

  /** @param about what else the list says of the identity, such as when it expires */
  grant(id: string, grant: Grant, about: object = {}): void {
    this.#identities.set(id, { id, role: "writer", ...about, grant: { ...generous, ...grant } })
    this.writeAccess()
  }

  /** A connection profile of a writer for the SDK, written to a file; its name is that of the writer. */
  profileOf({ id, certificate, key }: Identity, { host, port }: Place): string {
    const name = id.split("/").at(-1) ?? ""
    const file = join(this.directory, `${name}.profile`)
    const text = formatProfile({
      ...{ role: "writer", id, server: `spiffe://${trustDomain}/server` },
      ...{ address: `${host}:${port}`, source: `app://${name}` },
      spool: join(this.directory, `${name}.spool`),
      log: { origin: this.vkey.split("+")[0] ?? "", vkey: this.vkey },
      ...{ ca: this.ca.certificate, certificate, key },
    })
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
    return file
  }

  revoke(id: string): void {
    this.#identities.delete(id)
    this.writeAccess()
  }

  /** JSON is YAML. */
  writeAccess(): void {
    const identities = [...this.#identities.values()]
    writeFileSync(this.accessFile, `${JSON.stringify({ identities }, undefined, 1)}\n`)
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function issue(
  authority: KeyPair,
  path: string,
  usage: "client" | "server" = "client",
): Promise<Identity> {
  const id = `spiffe://${trustDomain}/${path}`
  return { id, ...(await issueCertificate({ authority, id, usage, now: new Date() })) }
}
