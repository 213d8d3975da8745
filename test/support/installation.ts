import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { issueCertificate, type KeyPair } from "../../packages/server/dist/guard/pki/index.js"
import { initDirectory } from "../../packages/server/dist/guard/setup/index.js"

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
