import { generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { join } from "node:path"
import { concatBytes, encodeUtf8, formatBase64, formatHex, sha256 } from "@postern/log/base"
import { createCore } from "@postern/log/core"
import { type Changed, deriveNonce, formatStamp } from "@postern/log/event"
import {
  formatReceiptCertificateText,
  formatReceiptText,
  receiptKeyName,
} from "@postern/log/evidence"
import {
  formatCheckpoint,
  formatVkey,
  type NoteSigner,
  noteKeyId,
  signNote,
} from "@postern/log/tlog"
import { streamDigestNext, streamDigestStart } from "@postern/log/wire"
import {
  alignSlot,
  type BatchRow,
  batchKind,
  batchRowBytes,
  encodeBatchRow,
  encodeSlotHeader,
  LogStore,
  listPlain,
  nodeFiles,
  packedBlockBytes,
  packSegment,
  rootBefore,
  type SegmentKeyMaker,
  slotHeaderBytes,
  TreeBuilder,
} from "../../disk/index.ts"
import { keptBelow } from "../../retention/index.ts"

export const origin = "verify.test/log"
const tileLevels = 7
const noDigest = new Uint8Array(32)
const slotBytesMax = 512 * 1024

interface Stream {
  readonly id: string
  readonly framed: boolean
  next: number
  digest: Uint8Array
}

export interface Key {
  readonly vkey: string
  readonly signer: NoteSigner
}

export function createKey(name: string): Key {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const raw = new Uint8Array(publicKey.export({ type: "spki", format: "der" }).subarray(-32))
  const signer = { name, keyId: noteKeyId(name, raw), sign: signWith(privateKey) }
  return { vkey: formatVkey(name, raw), signer }
}

function signWith(key: KeyObject): (message: Uint8Array) => Uint8Array {
  return (message) => new Uint8Array(sign(null, message, key))
}

/**
 * A log directory written by the disk room's own store, slot by slot, by a port of a few lines: small, of any shape,
 * and known in every byte.
 */
export class WrittenLog {
  readonly path: string
  /** Signs checkpoints and certificates from now on. */
  log: Key
  /** Signs with it, from now on. */
  beside: Key | undefined
  /** Signs receipts from now on. */
  receipts: Key
  readonly streams = new Map<number, Stream>()
  /** What the receipt of the slot that is being committed is signed for; a test may lie here. */
  signReceiptText: (text: string) => Promise<string>
  readonly #store: LogStore
  readonly #tree = new TreeBuilder(0, new Uint8Array(64 * 32))
  /** At a page boundary, as direct I/O wants it. */
  readonly #memory: Uint8Array
  #rows: BatchRow[] = []
  #leaves: Uint8Array[] = []
  #slot = 0
  #previous: Uint8Array = new Uint8Array(32)
  #receipt: Uint8Array = new Uint8Array(0)
  #own: { open: number; next: number } | undefined
  #seed = 1
  #time = 1_764_000_000_000_000

  private constructor(path: string, store: LogStore) {
    this.path = path
    this.#store = store
    const core = createCore({ memoryBytes: 4 * slotBytesMax, leavesMax: 256 })
    this.#memory = core.memory.subarray(core.reserve(slotBytesMax, 4096))
    this.log = createKey(origin)
    this.receipts = createKey(receiptKeyName(origin))
    this.signReceiptText = (text) => signNote(text, this.receipts.signer)
  }

  static async open(directory: string): Promise<WrittenLog> {
    const path = join(directory, "log")
    const store = await LogStore.open(path, origin, {
      begin: () => undefined,
      slot: () => undefined,
    })
    return new WrittenLog(path, store)
  }

  get size(): number {
    return this.#tree.size + this.#leaves.length
  }

  /** The first entry of a life of the port. */
  async started(more: object = {}): Promise<void> {
    const receiptKey = this.receipts.vkey
    const text = formatReceiptCertificateText(origin, receiptKey)
    const certificate = await signNote(text, ...this.#signing().map(({ signer }) => signer))
    this.#own = { open: this.size, next: 0 }
    this.own("postern.started", { receiptKey, certificate, ...more })
  }

  own(action: string, data: object): number {
    const own = this.#own ?? { open: 0, next: 0 }
    const index = this.size
    const event = { id: `own-${index}`, source: `postern://${origin}`, action, data }
    this.#row({
      open: own.open,
      sequence: own.next,
      kind: batchKind.port,
      digest: noDigest,
      events: [JSON.stringify(event)],
    })
    own.next += 1
    return index
  }

  /** Returns the index of the opening entry. */
  opened(framed: boolean, more: object = {}): number {
    const id = framed ? formatHex(sha256(encodeUtf8(`${this.size}`)).subarray(0, 16)) : "http"
    const open = this.own("postern.stream.opened", { stream: id, writer: "w", framed, ...more })
    const digest = framed ? streamDigestStart(id) : noDigest
    this.streams.set(open, { id, framed, next: 0, digest })
    return open
  }

  closed(open: number): void {
    const { id, next } = this.#stream(open)
    this.streams.delete(open)
    this.own("postern.stream.closed", { stream: id, writer: "w", open, next, reason: "writer" })
  }

  /** A batch; events at the refused positions get no entry. */
  batch(open: number, events: readonly string[], refused: readonly number[] = []): void {
    const stream = this.#stream(open)
    const kind = stream.framed ? batchKind.framed : batchKind.serverMade
    if (stream.framed) {
      const region = regionOf(events)
      stream.digest = streamDigestNext(stream.digest, stream.next, events.length, region)
    }
    const { next: sequence, digest } = stream
    this.#row({ open, sequence, kind, digest, events, refused })
    stream.next += events.length
  }

  /** Some events of about 100 bytes. */
  events(open: number, count: number): void {
    const { next } = this.#stream(open)
    this.batch(
      open,
      Array.from({ length: count }, (_, i) => eventText(open, next + i)),
    )
  }

  gap(open: number, count: number, recorded = true): void {
    const stream = this.#stream(open)
    const { id, next: sequence } = stream
    if (recorded) {
      this.own("postern.stream.gap", {
        stream: id,
        writer: "w",
        open,
        sequence,
        count,
        reason: "x",
      })
    }
    const digest = sha256(encodeUtf8(`gap ${sequence}`))
    const lost = Array.from({ length: count }, () => "")
    const refused = lost.map((_, i) => i)
    this.#row({ open, sequence, kind: batchKind.gap, digest, events: lost, refused })
    stream.next += count
    stream.digest = digest
  }

  /** Says which row of the open slot is to be otherwise. */
  alterRow(alter: (row: BatchRow) => BatchRow): void {
    const row = this.#rows.pop()
    if (row !== undefined) this.#rows.push(alter(row))
  }

  /** Says which leaf of the open slot is to be otherwise. */
  alterLeaf(alter: (leaf: string) => string): void {
    const leaf = this.#leaves.pop()
    if (leaf !== undefined) this.#leaves.push(encodeUtf8(alter(Buffer.from(leaf).toString())))
  }

  /** Makes what was placed a slot, as the port does; then its receipt waits for the next one. */
  async commit(): Promise<void> {
    const first = this.#tree.size
    const entries = this.#leaves.length
    const records = concatBytes(...this.#leaves.map(withLength))
    this.#tree.add(records)
    this.#time += 1000
    const root = this.#tree.root()
    const header = { generation: 1, slot: this.#slot, first, entries, time: this.#time, root }
    const { bytes, hash } = this.#encodeSlot(header, records)
    const nodes = Array.from({ length: tileLevels }, (_, level) => {
      const { from, hashes } = this.#tree.completed(level)
      return { level, from, hashes: hashes.slice() }
    }).filter(({ hashes }) => hashes.length > 0)
    const plan = { bytes, ...header, hash, nodes, recordOffsets: offsetsOf(first, this.#leaves) }
    await this.#store.commit(plan)
    this.#store.advance(this.#store.headOf(plan))
    this.#receipt = new Uint8Array(0)
    if (entries > 0) {
      const text = formatReceiptText({
        origin,
        first,
        count: entries,
        root: this.#tree.rangeRoot(),
      })
      this.#receipt = encodeUtf8(await this.signReceiptText(text))
    }
    this.#slot += 1
    this.#previous = hash
    this.#rows = []
    this.#leaves = []
  }

  /** As a port that was killed and has started again in an empty segment. */
  forgetReceipt(): void {
    this.#receipt = new Uint8Array(0)
  }

  /** Begins the next segment; nothing may be placed. */
  async roll(): Promise<void> {
    const state = [...this.streams].flatMap(([open, { id, framed, next, digest }]) => {
      return framed ? [{ id, writer: "w", open, next, digest: formatHex(digest), lastUsed: 0 }] : []
    })
    const { size: first } = this.#tree
    const frontier = this.#tree.frontier()
    const start = {
      first,
      generation: 1,
      slot: this.#slot,
      previous: this.#previous,
      frontier,
      state,
    }
    await this.#store.roll(start)
  }

  /** Compresses every sealed segment, as a port and its keeper do. @param keys encrypts them: what opens them must be lent */
  async compress(keys?: SegmentKeyMaker): Promise<void> {
    for (const first of await listPlain(this.path, this.#store.sealed)) {
      await packSegment(this.path, first, nodeFiles, packedBlockBytes, keys)
      await this.#store.adopt(first)
    }
  }

  /** Removes what is before the segment that begins at `to`; nothing may be placed. @param says what the entry says, if there is one */
  async prune(to: number, says: object | "nothing" = {}): Promise<void> {
    const root = await rootBefore(this.path, to)
    const entry = this.size
    const data = { from: this.#store.minimum, to, root: formatBase64(root), keep: 365 }
    if (says !== "nothing") this.own("postern.retention.pruned", { ...data, ...says })
    await this.commit()
    const kept = await keptBelow(this.path, to)
    await this.#store.prune({ minimum: to, root, entry, kept })
  }

  /** @param keys that sign it; the log's, unless told otherwise */
  async checkpoint(...keys: readonly Key[]): Promise<string> {
    const { size } = this.#tree
    const root = this.#tree.root()
    await this.#store.rememberSigned({ size, root: formatBase64(root) })
    const signers = (keys.length === 0 ? this.#signing() : keys).map(({ signer }) => signer)
    const note = await signNote(formatCheckpoint({ origin, size, root }), ...signers)
    await this.#store.publishCheckpoint(note)
    return note
  }

  #signing(): Key[] {
    return [this.log, ...(this.beside === undefined ? [] : [this.beside])]
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  #stream(open: number): Stream {
    const stream = this.streams.get(open)
    if (stream === undefined) throw new Error(`no stream ${open}`)
    return stream
  }

  #row(batch: {
    open: number
    sequence: number
    kind: number
    digest: Uint8Array
    events: readonly string[]
    refused?: readonly number[]
  }): void {
    const { open, sequence, kind, digest, events, refused = [] } = batch
    const seed = sha256(encodeUtf8(`seed ${this.#seed++}`)).slice(0, 16)
    const received = this.#time + this.#seed
    const changed: Changed = kind === batchKind.serverMade ? 2 : 0
    const first = this.size
    for (const [position, event] of events.entries()) {
      if (refused.includes(position)) continue
      const nonce = deriveNonce(seed, position)
      const stamp = formatStamp({ received, open, sequence: sequence + position, nonce, changed })
      this.#leaves.push(encodeUtf8(`${stamp}\n${event}`))
    }
    const accepted = events.length - refused.length
    const counts = { events: events.length, accepted, first }
    this.#rows.push({ open, sequence, ...counts, received, changed, kind, seed, digest })
  }

  #encodeSlot(
    header: Omit<Parameters<typeof encodeSlotHeader>[0], "bytes" | "previous" | "tail"> | object,
    records: Uint8Array,
  ): { bytes: Uint8Array; hash: Uint8Array } {
    const rows = new Uint8Array(this.#rows.length * batchRowBytes)
    for (const [i, row] of this.#rows.entries()) encodeBatchRow(row, rows, i * batchRowBytes)
    const tail = concatBytes(rows, this.#receipt)
    const length = alignSlot(slotHeaderBytes + records.length + tail.length)
    const bytes = this.#memory.subarray(0, length).fill(0)
    bytes.set(concatBytes(records, tail), slotHeaderBytes)
    const whole = {
      ...(header as Parameters<typeof encodeSlotHeader>[0]),
      bytes: length,
      recordsBytes: records.length,
      batches: this.#rows.length,
      receiptBytes: this.#receipt.length,
      previous: this.#previous,
      tail: sha256(tail),
    }
    return { hash: encodeSlotHeader(whole, bytes), bytes }
  }
}

export function eventText(open: number, i: number): string {
  return JSON.stringify({ id: `event-${open}-${i}`, action: "test.done", data: { i, text: "ä\n" } })
}

function withLength(leaf: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(leaf.length >> 8, leaf.length & 0xff), leaf)
}

function regionOf(events: readonly string[]): Uint8Array {
  return concatBytes(
    ...events.map((event) => {
      const bytes = Buffer.from(event)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return concatBytes(length, bytes)
    }),
  )
}

function offsetsOf(first: number, leaves: readonly Uint8Array[]) {
  return (segmentFirst: number) => {
    const row = Math.ceil((first - segmentFirst) / 256)
    const offsets: number[] = []
    let at = 0
    for (const [i, leaf] of leaves.entries()) {
      if ((first + i - segmentFirst) % 256 === 0) offsets.push(at)
      at += 2 + leaf.length
    }
    return { row, offsets }
  }
}
