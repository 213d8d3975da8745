import { generateKeyPairSync, sign } from "node:crypto"
import { concatBytes, encodeUtf8, PosternError } from "@postern/log/base"
import { deriveNonce, formatStamp } from "@postern/log/event"
import {
  emptyRoot,
  formatCheckpoint,
  formatVkey,
  leafHash,
  nodeHash,
  noteKeyId,
  signNote,
} from "@postern/log/tlog"
import type { Head, KeptEntry, LogView } from "../../disk/index.ts"

/** Root of these leaf hashes, straight from the definition in RFC 6962 §2.1. */
export function naiveRoot(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length <= 1) return hashes[0] ?? emptyRoot
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return nodeHash(naiveRoot(hashes.slice(0, k)), naiveRoot(hashes.slice(k)))
}

export interface FakeEvent {
  readonly action?: string
  readonly outcome?: string
  readonly actor?: Readonly<Record<string, unknown>>
  readonly targets?: readonly Readonly<Record<string, unknown>>[]
  readonly data?: Readonly<Record<string, unknown>>
}

interface FakeStream {
  readonly open: number
  next: number
}

/** A log in memory that behaves as the port's would: streams with openings, stamps, checkpoints signed with a real key. */
export class FakeLog implements LogView {
  readonly origin = "postern.test/log"
  readonly all: Uint8Array[] = []
  readonly leafHashes: Uint8Array[] = []
  readonly vkey: string
  /** Bytes of leaves that were handed out; tests ask whether rows were read. */
  reads = 0
  readonly #sign: (message: Uint8Array) => Uint8Array
  readonly #keyId: number
  readonly #streams = new Map<string, FakeStream>()
  readonly #listeners = new Set<(head: Head) => void>()
  #clock = Date.UTC(2026, 10, 22, 12) * 1000
  #checkpoint: string | undefined
  #witnessed: string | undefined
  #visible = 0

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519")
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32)
    this.vkey = formatVkey(this.origin, raw)
    this.#keyId = noteKeyId(this.origin, raw)
    this.#sign = (message) => sign(null, message, privateKey)
    this.#push(0, 0, { action: "postern.started" }, `postern://${this.origin}`)
    this.#streams.set("port", { open: 0, next: 1 })
    this.show()
  }

  /** Appends events of one writer, a millisecond apart; its stream is opened by an entry before the first. */
  append(events: readonly FakeEvent[], writer = "spiffe://postern.test/writer/app"): void {
    for (const event of events) {
      const stream = this.#streams.get(writer) ?? this.#open(writer)
      this.#push(stream.open, stream.next, event, "app://billing")
      stream.next++
    }
    this.show()
  }

  /** `count` plain events. */
  fill(count: number): void {
    this.append(Array.from({ length: count }, (_, i) => ({ data: { i } })))
  }

  /** Raw bytes as a leaf, for what no port would write. */
  appendRaw(leaf: Uint8Array): void {
    this.all.push(leaf)
    this.leafHashes.push(leafHash(leaf))
    this.show()
  }

  #open(writer: string): FakeStream {
    const port = this.#streams.get("port") as FakeStream
    const data = { writer, stream: "00".repeat(16), framed: true }
    const open = this.all.length
    this.#push(
      0,
      port.next++,
      { action: "postern.stream.opened", data },
      `postern://${this.origin}`,
    )
    const stream = { open, next: 0 }
    this.#streams.set(writer, stream)
    return stream
  }

  #push(open: number, sequence: number, event: FakeEvent, source: string): void {
    const nonce = deriveNonce(new Uint8Array(16), this.all.length)
    this.#clock += 1000
    const stamp = formatStamp({ received: this.#clock, open, sequence, nonce, changed: 0 })
    const text = JSON.stringify({
      id: `e${this.all.length}`,
      time: "2026-11-22T12:00:00Z",
      source,
      action: "invoice.deleted",
      outcome: "success",
      actor: { type: "user", id: "alice" },
      targets: [],
      ...event,
    })
    const leaf = encodeUtf8(`${stamp}\n${text}`)
    this.all.push(leaf)
    this.leafHashes.push(leafHash(leaf))
  }

  /** Moves the head to all that was appended. */
  show(): void {
    this.#visible = this.all.length
    for (const listener of this.#listeners) listener(this.head())
  }

  /** Signs a checkpoint of the first `size` entries. */
  async publish(size = this.all.length): Promise<void> {
    const root = naiveRoot(this.leafHashes.slice(0, size))
    this.#checkpoint = await this.signed(formatCheckpoint({ origin: this.origin, size, root }))
  }

  signed(text: string): Promise<string> {
    return signNote(text, { name: this.origin, keyId: this.#keyId, sign: this.#sign })
  }

  /** Serves what is published now as the newest that has the quorum. */
  witness(): void {
    this.#witnessed = this.#checkpoint
  }

  /** Serves this text as the checkpoint. */
  publishText(text: string | undefined): void {
    this.#checkpoint = text
  }

  head(): Head {
    const size = this.#visible
    return { slot: 0, size, segment: 0, end: 0, time: this.#clock, root: emptyRoot, minimum: 0 }
  }

  kept(): readonly KeptEntry[] {
    return []
  }

  onHead(listener: (head: Head) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async checkpoint(): Promise<string | undefined> {
    return this.#checkpoint
  }

  keysText = ""

  async keys(): Promise<string> {
    return this.keysText
  }

  async witnessed(): Promise<string | undefined> {
    return this.#witnessed
  }

  async leaves(from: number, to: number, bytesMax = Number.MAX_SAFE_INTEGER) {
    if (from > to || to > this.#visible) throw new PosternError("NOT_FOUND", "beyond the head")
    const leaves: Uint8Array[] = []
    let bytes = 0
    for (const leaf of this.all.slice(from, to)) {
      bytes += leaf.length
      if (leaves.length > 0 && bytes > bytesMax) break
      leaves.push(leaf.slice())
    }
    this.reads += leaves.length
    return leaves
  }

  async hashes(level: number, from: number, to: number): Promise<Uint8Array> {
    const width = 256 ** level
    if (to > Math.floor(this.#visible / width))
      throw new PosternError("NOT_FOUND", "beyond the head")
    const nodes: Uint8Array[] = []
    for (let i = from; i < to; i++) {
      nodes.push(naiveRoot(this.leafHashes.slice(i * width, (i + 1) * width)))
    }
    return concatBytes(...nodes)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }
}
