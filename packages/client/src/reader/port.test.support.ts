import { generateKeyPairSync, sign } from "node:crypto"
import { concatBytes, encodeUtf8, formatBase64 } from "@postern/log/base"
import { deriveNonce, formatStamp } from "@postern/log/event"
import {
  consistencyProof,
  emptyRoot,
  formatCheckpoint,
  formatVkey,
  inclusionProof,
  leafHash,
  nodeHash,
  noteKeyId,
  type ReadHashes,
  signNote,
} from "@postern/log/tlog"

const origin = "postern.test/log"

/** Root of these leaf hashes, from the definition in RFC 6962 §2.1. */
function naiveRoot(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length <= 1) return hashes[0] ?? emptyRoot
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return nodeHash(naiveRoot(hashes.slice(0, k)), naiveRoot(hashes.slice(k)))
}

/** A log in memory and the answers that an honest read port gives about it. Tests change them before they are read. */
export class HonestPort {
  readonly leaves: string[] = []
  readonly hashes: Uint8Array[] = []
  readonly vkey: string
  /** Size of the newest checkpoint. */
  published = 0
  readonly #sign: (message: Uint8Array) => Uint8Array
  readonly #keyId: number
  readonly #streams = new Map<string, number>()

  /** A port of its own key, or a second one that signs with the key of another. */
  constructor(other?: HonestPort) {
    if (other !== undefined) {
      this.vkey = other.vkey
      this.#sign = other.#sign
      this.#keyId = other.#keyId
    } else {
      const { publicKey, privateKey } = generateKeyPairSync("ed25519")
      const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32)
      this.vkey = formatVkey(origin, raw)
      this.#sign = (message) => sign(null, message, privateKey)
      this.#keyId = noteKeyId(origin, raw)
    }
    this.#push(0, { action: "postern.started", source: `postern://${origin}` })
  }

  append(count: number, writer = "app", action = "invoice.deleted"): void {
    for (let i = 0; i < count; i++) {
      if (!this.#streams.has(writer)) {
        this.#streams.set(writer, this.leaves.length)
        const data = { writer: `spiffe://postern.test/writer/${writer}` }
        this.#push(0, { action: "postern.stream.opened", source: `postern://${origin}`, data })
      }
      this.#push(this.#streams.get(writer) as number, { action, source: "app://billing" })
    }
  }

  #push(open: number, event: Readonly<Record<string, unknown>>): void {
    const index = this.leaves.length
    const nonce = deriveNonce(new Uint8Array(16), index)
    const received = 1_764_000_000_000_000 + index
    const stamp = formatStamp({ received, open, sequence: index, nonce, changed: 0 })
    const members = {
      id: `e${index}`,
      outcome: "success",
      actor: { type: "user", id: "alice" },
      targets: [],
    }
    const leaf = `${stamp}\n${JSON.stringify({ ...members, ...event })}`
    this.leaves.push(leaf)
    this.hashes.push(leafHash(encodeUtf8(leaf)))
  }

  streamOf(index: number): number {
    return Number(/"o":(\d+)/.exec(this.leaves[index] as string)?.[1])
  }

  writerOf(index: number): string {
    const opening = JSON.parse(
      (this.leaves[this.streamOf(index)] as string).split("\n")[1] as string,
    )
    return opening.data?.writer ?? opening.source
  }

  /** `root` for a checkpoint that lies. */
  note(size = this.published, root = naiveRoot(this.hashes.slice(0, size))): Promise<string> {
    const signer = { name: origin, keyId: this.#keyId, sign: this.#sign }
    return signNote(formatCheckpoint({ origin, size, root }), signer)
  }

  entry(index: number): { index: number; leaf: string } {
    return { index, leaf: this.leaves[index] as string }
  }

  /** The path for several entries, from its definition. */
  severalPath(indexes: readonly number[], size: number): string[] {
    const path: string[] = []
    const walk = (from: number, to: number): void => {
      if (!indexes.some((index) => from <= index && index < to)) {
        path.push(formatBase64(naiveRoot(this.hashes.slice(from, to))))
      } else if (to - from > 1) {
        let k = 1
        while (k * 2 < to - from) k *= 2
        walk(from, from + k)
        walk(from + k, to)
      }
    }
    walk(0, size)
    return path
  }

  proof(indexes: readonly number[], size = this.published) {
    const covered = [...new Set(indexes)].filter((index) => index < size)
    return { size, path: this.severalPath(covered, size) }
  }

  async page(indexes: readonly number[]) {
    const openings = [...new Set(indexes.map((index) => this.streamOf(index)))]
    const beside = openings.filter((index) => !indexes.includes(index))
    return {
      entries: indexes.map((index) => this.entry(index)),
      openings: beside.map((index) => this.entry(index)),
      checkpoint: await this.note(),
      proof: this.proof([...indexes, ...beside]),
    }
  }

  #read: ReadHashes = (level, from, to) => {
    const width = 256 ** level
    const nodes = Array.from({ length: to - from }, (_, i) => {
      return naiveRoot(this.hashes.slice((from + i) * width, (from + i + 1) * width))
    })
    return concatBytes(...nodes)
  }

  async inclusion(index: number, size = this.published) {
    return { index, size, path: (await inclusionProof(index, size, this.#read)).map(formatBase64) }
  }

  async consistency(from: number, to: number) {
    return { from, to, path: (await consistencyProof(from, to, this.#read)).map(formatBase64) }
  }

  /** What GET of this path answers, for the paths that Trust asks. */
  async json(path: string): Promise<unknown> {
    const [, from, to] = /^\/v1\/proof\/consistency\?from=(\d+)&to=(\d+)$/.exec(path) ?? []
    if (from === undefined) throw new Error(`${path} was not expected`)
    return this.consistency(Number(from), Number(to))
  }
}
