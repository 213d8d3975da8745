import { createHash } from "node:crypto"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure, formatTime, parseEntry } from "@postern/log/event"
import { matches, type Query } from "@postern/log/query"
import {
  consistencyProof,
  formatCheckpoint,
  hashBytes,
  inclusionProof,
  leafHash,
  nodeHash,
  treeRoot,
} from "@postern/log/tlog"
import { checkpointNote, origin } from "../../evidence/small-log.ts"

/** A log that was made up for tests of the console, kept in memory: real leaves, a real tree, a real key. */
const people = ["alice", "bob", "carol", "dave", "erin", "frank"]
const writers = ["app-billing", "kubernetes", "hr-portal", "backup-job"]
const outcomesOf = [
  "success",
  "success",
  "success",
  "success",
  "success",
  "denied",
  "failure",
  "success",
  "error",
  "success",
]
const actions = [
  "invoice.read",
  "invoice.deleted",
  "user.login",
  "role.granted",
  "document.exported",
  "k8s.pods.delete",
  "backup.finished",
]

export const secret = encodeDisclosure(
  "_26bc4LT-ac6q2KI6cBW5es",
  "request",
  encodeUtf8('{"id":"req-7","body":"the long one"}'),
)

export interface InventedEntry {
  readonly index: number
  readonly leaf: string
  readonly event: Readonly<Record<string, unknown>>
  readonly received: number
  readonly writer: string
  readonly stream: number
  readonly sequence: number
}

export class InventedLog {
  readonly entries: InventedEntry[] = []
  /** Hashes of the perfect subtrees, level by level. */
  readonly #levels: Uint8Array[][] = [[]]
  readonly #sequences = writers.map(() => 0)
  /** Microseconds. */
  #clock: number

  /** @param began when its first entry was received, microseconds */
  constructor(began: number) {
    this.#clock = began
    this.#add(0, 0, { ...portEvent("postern.started"), source: `postern://${origin}` })
    writers.forEach((name, i) => {
      const data = { writer: writerId(name), certificate: "00".repeat(32) }
      this.#add(0, i + 1, {
        ...portEvent("postern.stream.opened"),
        source: `postern://${origin}`,
        data,
      })
    })
  }

  get size(): number {
    return this.entries.length
  }

  /** Made up from its number; the same in every run, but for the times. */
  invent(count: number, stepMicroseconds: number): InventedEntry[] {
    return Array.from({ length: count }, () => {
      this.#clock += stepMicroseconds
      return this.#invented(this.size)
    })
  }

  #invented(n: number): InventedEntry {
    const w = (n * 7 + (n >> 3)) % writers.length
    const person = people[(n * 13 + (n >> 4)) % people.length] as string
    const action = actions[(n * 3 + (n >> 2)) % actions.length] as string
    const outcome = outcomesOf[(n * 7 + (n >> 5)) % outcomesOf.length] as string
    const sequence = this.#sequences[w] as number
    this.#sequences[w] = sequence + 1
    const event = {
      id: `e-${n}`,
      time: formatTime(this.#clock - 2500),
      source: `app://${(writers[w] as string).split("-")[0]}`,
      action,
      outcome,
      actor: {
        type: "user",
        id: person,
        name: person[0]?.toUpperCase() + person.slice(1),
        session: `s-${n % 97}`,
      },
      targets: [{ type: action.split(".")[0], id: String(4700 + (n % 500)) }],
      origin: { ip: `10.0.${n % 8}.${n % 250}`, userAgent: "Mozilla/5.0" },
      request: { id: `req-${Math.floor(n / 3)}` },
      ...(n % 9 === 0 ? { onBehalfOf: [{ type: "user", id: "grace" }] } : {}),
      ...(action === "role.granted"
        ? {
            changes: [
              { path: "roles", before: ["reader"], after: ["reader", "approver"] },
              { path: "limit", before: 500, after: 10_000 },
            ],
          }
        : {}),
      ...(n % 40 === 7 ? { _sd: [disclosureDigest(secret)] } : {}),
      data: { note: `export ${n % 3 === 0 ? "done" : "begun"}`, ticket: `INC-${n % 1000}` },
    }
    return this.#add(w + 1, sequence, event)
  }

  /** @param open index of the opening entry */
  #add(open: number, sequence: number, event: Readonly<Record<string, unknown>>): InventedEntry {
    const index = this.size
    const nonce = createHash("sha256")
      .update(`nonce ${index}`)
      .digest()
      .subarray(0, 16)
      .toString("base64url")
    const leaf = `{"r":${this.#clock},"o":${open},"q":${sequence},"n":"${nonce}"}\n${JSON.stringify(event)}`
    const writer = open === 0 ? `postern://${origin}` : writerId(writers[open - 1] as string)
    const entry = { index, leaf, event, received: this.#clock, writer, stream: open, sequence }
    this.entries.push(entry)
    this.#grow(leafHash(encodeUtf8(leaf)))
    return entry
  }

  #grow(hash: Uint8Array): void {
    let node = hash
    for (let level = 0; ; level++) {
      this.#levels[level] ??= []
      const nodes = this.#levels[level] as Uint8Array[]
      nodes.push(node)
      if (nodes.length % 2 === 1) return
      node = nodeHash(nodes.at(-2) as Uint8Array, node)
    }
  }

  readonly #read = async (level: number, from: number, to: number): Promise<Uint8Array> => {
    const nodes = this.#levels[level * 8] ?? []
    const bytes = new Uint8Array((to - from) * hashBytes)
    for (let i = from; i < to; i++) bytes.set(nodes[i] as Uint8Array, (i - from) * hashBytes)
    return bytes
  }

  async note(): Promise<string> {
    const root = await treeRoot(this.size, this.#read)
    return checkpointNote(formatCheckpoint({ origin, size: this.size, root }))
  }

  async inclusion(index: number): Promise<{ index: number; size: number; path: string[] }> {
    const path = await inclusionProof(index, this.size, this.#read)
    return { index, size: this.size, path: path.map(base64) }
  }

  async consistency(from: number, to: number): Promise<string[]> {
    return (await consistencyProof(from, to, this.#read)).map(base64)
  }

  fits(entry: InventedEntry, query: Query): boolean {
    return matches(query, parseEntry(encodeUtf8(entry.leaf)), entry)
  }
}

export function writerId(name: string): string {
  return `spiffe://postern.local/writer/${name}`
}

export const writerNames = writers

function portEvent(action: string) {
  const time = "2026-11-22T12:00:00.000Z"
  return {
    id: `${action}-1`,
    time,
    action,
    outcome: "success",
    actor: { type: "port", id: origin },
    targets: [],
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64")
}
