import { generateKeyPairSync, sign } from "node:crypto"
import { encodeUtf8, formatBase64 } from "@postern/log/base"
import {
  formatCheckpoint,
  formatVkey,
  leafHash,
  nodeHash,
  noteKeyId,
  signNote,
} from "@postern/log/tlog"
import type { EntryAnswer, EntryPage, ShownEntry } from "../api/index.ts"

export const origin = "log.example/audit"
const writer = "spiffe://a.example/writer/app"

/** A log in memory that can be made to lie: entry 0 is the port's start, entry 1 opens the writer's stream. */
export class TestLog {
  readonly vkey: string
  readonly leaves: string[] = []
  readonly #sign: (message: Uint8Array) => Uint8Array
  readonly #keyId: number

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519")
    const raw = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(12))
    this.vkey = formatVkey(origin, raw)
    this.#keyId = noteKeyId(origin, raw)
    this.#sign = (message) => sign(null, message, privateKey)
    this.#add(0, 0, { action: "postern.started", source: `postern://${origin}` })
    this.#add(0, 1, { action: "postern.stream.opened", source: "x", data: { writer } })
  }

  add(count: number): void {
    for (let i = 0; i < count; i++) this.#add(1, i, { action: "a.b", source: "app://x" })
  }

  #add(open: number, sequence: number, event: object): void {
    const stamp = `{"r":1764000000000000,"o":${open},"q":${sequence},"n":"AAAAAAAAAAAAAAAAAAAAAA"}`
    this.leaves.push(`${stamp}\n${JSON.stringify(event)}`)
  }

  root(from = 0, to = this.leaves.length): Uint8Array {
    if (to - from === 1) return leafHash(encodeUtf8(this.leaves[from] as string))
    const middle = from + splitOf(to - from)
    return nodeHash(this.root(from, middle), this.root(middle, to))
  }

  path(index: number, from = 0, to = this.leaves.length): Uint8Array[] {
    if (to - from === 1) return []
    const middle = from + splitOf(to - from)
    return index < middle
      ? [...this.path(index, from, middle), this.root(middle, to)]
      : [...this.path(index, middle, to), this.root(from, middle)]
  }

  /** RFC 6962 §2.1.2, from the tree of `old` entries to this one. */
  consistency(old: number, from = 0, to = this.leaves.length, whole = true): string[] {
    if (old === to - from) return whole ? [] : [formatBase64(this.root(from, to))]
    const split = splitOf(to - from)
    return old <= split
      ? [
          ...this.consistency(old, from, from + split, whole),
          formatBase64(this.root(from + split, to)),
        ]
      : [
          ...this.consistency(old - split, from + split, to, false),
          formatBase64(this.root(from, from + split)),
        ]
  }

  /** docs/reference/read-api.md, One path for several entries. @param size of the tree */
  severalPath(indexes: readonly number[], size: number, from = 0, to = size): string[] {
    if (!indexes.some((index) => from <= index && index < to)) {
      return [formatBase64(this.root(from, to))]
    }
    if (to - from === 1) return []
    const middle = from + splitOf(to - from)
    const left = this.severalPath(indexes, size, from, middle)
    return [...left, ...this.severalPath(indexes, size, middle, to)]
  }

  /** Of the tree of the first `size` entries. */
  async note(size = this.leaves.length): Promise<string> {
    const text = formatCheckpoint({ origin, size, root: this.root(0, size) })
    return signNote(text, { name: origin, keyId: this.#keyId, sign: this.#sign })
  }

  /** An answer with these entries, as far as they go proven in the tree of the first `size`. */
  async page(indexes: readonly number[], size = this.leaves.length): Promise<EntryPage> {
    const openings = [...new Set(indexes.map((index) => (index < 2 ? 0 : 1)))].filter(
      (index) => !indexes.includes(index),
    )
    const covered = [...indexes, ...openings].filter((index) => index < size)
    return {
      size: this.leaves.length,
      entries: indexes.map((index) => this.entry(index)),
      openings: openings.map((index) => this.entry(index)),
      checkpoint: await this.note(size),
      ...(covered.length === 0 ? {} : { proof: { size, path: this.severalPath(covered, size) } }),
    }
  }

  async answer(index: number): Promise<ShownEntry> {
    const size = this.leaves.length
    const inclusion = (at: number) => ({ index: at, size, path: this.path(at).map(formatBase64) })
    return {
      size,
      entry: this.entry(index),
      inclusion: inclusion(index),
      ...(index < 2
        ? { opening: this.entry(0), openingInclusion: inclusion(0) }
        : { opening: this.entry(1), openingInclusion: inclusion(1) }),
      checkpoint: await this.note(),
    }
  }

  entry(index: number): EntryAnswer {
    const leaf = this.leaves[index] as string
    const event = JSON.parse(leaf.slice(leaf.indexOf("\n") + 1))
    const by = index < 2 ? `postern://${origin}` : writer
    return { index, received: "", writer: by, stream: index < 2 ? 0 : 1, sequence: 0, leaf, event }
  }
}

function splitOf(count: number): number {
  let half = 1
  while (half * 2 < count) half *= 2
  return half
}
