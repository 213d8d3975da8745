/** A log in memory, with writers that sign, for evidence files. Nothing of it is drawn by chance. */
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto"
import { concatBytes, encodeUtf8, formatBase64, parseHex } from "../base/index.ts"
import { type Changed, deriveNonce, formatStamp } from "../event/index.ts"
import {
  formatCheckpoint,
  formatNote,
  formatWitnessVkey,
  leafHash,
  type NoteSigner,
  nodeHash,
  parseNote,
  parseVkey,
  type ReadHashes,
  signCosignature,
  signNote,
  treeRoot,
  witnessKeyId,
} from "../tlog/index.ts"
import { signerOf } from "../tlog/signer.test.support.ts"
import { streamDigestNext, streamDigestStart } from "../wire/index.ts"
import { signP256, spkiOfP256 } from "./p256.test.support.ts"
import { type StreamStatement, streamStatementText } from "./stream-signature.ts"

export const origin = "log.example/audit"
export const logKey = signerOf(origin, 1)
/** Signs in the log's name with a key that no policy knows. */
export const strangeKey = signerOf(origin, 9)

export interface WriterKeys {
  readonly publicKey: string
  sign(text: string): string
}

export function ed25519Writer(seedByte: number): WriterKeys {
  const prefix = parseHex("302e020100300506032b657004220420") as Uint8Array
  const der = Buffer.from(concatBytes(prefix, new Uint8Array(32).fill(seedByte)))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const spki = createPublicKey(key).export({ format: "der", type: "spki" })
  return {
    publicKey: formatBase64(spki),
    sign: (text) => formatBase64(sign(null, encodeUtf8(text), key)),
  }
}

export function p256Writer(seedByte: number): WriterKeys {
  return {
    publicKey: formatBase64(spkiOfP256(seedByte)),
    sign: (text) => formatBase64(signP256(seedByte, encodeUtf8(text))),
  }
}

export interface TestStream {
  readonly open: number
  readonly id: string
  readonly writer: string
  keys: WriterKeys | undefined
  next: number
  digest: Uint8Array
  readonly rows: { first: number; events: number; digest: Uint8Array }[]
}

interface Batch {
  readonly refused?: readonly number[]
  readonly changed?: Changed
  /** Of values that are kept out of each event. */
  readonly digests?: readonly string[]
}

export class TestLog {
  readonly leaves: Uint8Array[] = []
  readonly hashes: Uint8Array[] = []
  #life = 0
  #ownNext = 0
  #batches = 0

  get size(): number {
    return this.leaves.length
  }

  /** A life of the port begins. */
  start(): number {
    this.#life = this.size
    this.#ownNext = 0
    return this.own("postern.started", { size: this.size })
  }

  /** An entry of the port's own. */
  own(action: string, data: Record<string, unknown>): number {
    const index = this.size
    const event = eventOf(action, index, { type: "system", id: "port" }, data)
    this.#put(event, this.#life, this.#ownNext++, this.#seed(), 0, 0)
    return index
  }

  open(writer: string, id: string, keys?: WriterKeys, framed = true): TestStream {
    const { publicKey } = keys ?? {}
    const open = this.own("postern.stream.opened", {
      ...{ stream: id, writer, adapter: framed ? "postern" : id, framed },
      ...(publicKey === undefined ? {} : { publicKey }),
    })
    const digest = framed ? streamDigestStart(id) : new Uint8Array(32)
    return { open, id, writer, keys, next: 0, digest, rows: [] }
  }

  /** Sends a batch; gives the indexes of what was accepted. */
  batch(
    stream: TestStream,
    count: number,
    { refused = [], changed = 0, digests }: Batch = {},
  ): number[] {
    const seed = this.#seed()
    const events: Uint8Array[] = []
    const indexes: number[] = []
    for (let position = 0; position < count; position++) {
      const sequence = stream.next + position
      const actor = { type: "user", id: `user-${sequence % 3}` }
      const event = encodeUtf8(
        eventOf("invoice.approved", sequence, actor, { amount: sequence }, digests),
      )
      events.push(event)
      if (refused.includes(position)) continue
      indexes.push(this.size)
      const stored =
        changed === 0 ? event : encodeUtf8(`{"wrapped":${new TextDecoder().decode(event)}}`)
      this.#put(stored, stream.open, sequence, seed, position, changed)
    }
    stream.digest = streamDigestNext(stream.digest, stream.next, count, regionOf(events))
    this.#row(stream, count)
    for (const position of refused) {
      const sequence = stream.next - count + position
      this.own("postern.refused", {
        ...{ writer: stream.writer, from: "127.0.0.1:1", code: "EVENT_SYNTAX", count: 1 },
        ...{ stream: stream.id, sequences: [[sequence, sequence + 1]] },
      })
    }
    return indexes
  }

  /** The writer lost events and says so. */
  gap(stream: TestStream, count: number): number {
    stream.digest = createHash("sha256").update(`lost ${stream.next}`).digest()
    const { id, writer, open, next: sequence } = stream
    this.#row(stream, count)
    const data = { stream: id, writer, open, sequence, count, reason: "the spool was lost" }
    return this.own("postern.stream.gap", data)
  }

  /** The writer signs what it has sent so far. */
  beat(stream: TestStream, kind: StreamStatement["kind"] = "beat"): number {
    const { id, writer, open, next, digest, keys } = stream
    const text = streamStatementText({ origin, stream: id, kind, next, digest })
    const data = { stream: id, writer, open, next, digest: formatBase64(digest) }
    const signature = keys?.sign(text)
    const action = kind === "beat" ? "postern.stream.beat" : "postern.stream.closed"
    return this.own(action, { ...data, signature })
  }

  /** Another certificate of the writer signs for the stream from here on. */
  renew(stream: TestStream, keys: WriterKeys): number {
    stream.keys = keys
    const { id, writer, open } = stream
    const { publicKey } = keys
    return this.own("postern.stream.continued", { stream: id, writer, open, publicKey })
  }

  #row(stream: TestStream, events: number): void {
    stream.rows.push({ first: stream.next, events, digest: stream.digest })
    stream.next += events
  }

  #seed(): Uint8Array {
    return new Uint8Array(
      createHash("sha256")
        .update(`seed ${this.#batches++}`)
        .digest()
        .subarray(0, 16),
    )
  }

  #put(
    event: string | Uint8Array,
    open: number,
    sequence: number,
    seed: Uint8Array,
    position: number,
    changed: Changed,
  ): void {
    const received = 1_795_348_800_000_000 + 1000 * this.size
    const nonce = deriveNonce(seed, position)
    const stamp = encodeUtf8(`${formatStamp({ received, open, sequence, nonce, changed })}\n`)
    this.add(concatBytes(stamp, typeof event === "string" ? encodeUtf8(event) : event))
  }

  /** Any bytes, also such as no port writes. */
  add(leaf: Uint8Array): void {
    this.leaves.push(leaf)
    this.hashes.push(leafHash(leaf))
  }

  /** Hashes of tile levels, folded as they are asked for. */
  get read(): ReadHashes {
    return (level, from, to) => {
      const unit = 256 ** level
      const nodes = Array.from({ length: to - from }, (_, i) => {
        return fullNode(this.hashes, (from + i) * unit, unit)
      })
      return concatBytes(...nodes)
    }
  }

  /** The checkpoint of the tree of `size`, cosigned by the witnesses. */
  async checkpoint(size: number, witnesses: readonly Witness[] = []): Promise<string> {
    const text = formatCheckpoint({ origin, size, root: await treeRoot(size, this.read) })
    return cosign(await signNote(text, logKey), witnesses)
  }
}

export interface Witness extends NoteSigner {
  readonly witnessVkey: string
}

/** A witness with the key of C2SP tlog-cosignature. */
export function witnessOf(name: string, seedByte: number): Witness {
  const signer = signerOf(name, seedByte)
  const { publicKey } = parseVkey(signer.vkey)
  return {
    name,
    keyId: witnessKeyId(name, publicKey),
    sign: signer.sign,
    witnessVkey: formatWitnessVkey(name, publicKey),
  }
}

const cosignedAt = 1_795_348_900

export async function cosign(note: string, witnesses: readonly Witness[]): Promise<string> {
  const { text, signatures } = parseNote(note)
  const all = [...signatures]
  for (const witness of witnesses) all.push(await signCosignature(text, cosignedAt, witness))
  return formatNote({ text, signatures: all })
}

function fullNode(hashes: readonly Uint8Array[], from: number, width: number): Uint8Array {
  if (width === 1) return hashes[from] as Uint8Array
  const half = width / 2
  return nodeHash(fullNode(hashes, from, half), fullNode(hashes, from + half, half))
}

function regionOf(events: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...events.flatMap((event) => {
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, event.length)
      return [length, event]
    }),
  )
}

function eventOf(
  action: string,
  number: number,
  actor: { type: string; id: string },
  data: Record<string, unknown>,
  digests?: readonly string[],
): string {
  const id = `event-${String(number).padStart(6, "0")}`
  const time = "2026-11-22T12:00:00Z"
  const source = action.startsWith("postern.") ? `postern://${origin}` : "app://billing"
  const event = { id, time, source, action, outcome: "success", actor, targets: [], data }
  return JSON.stringify(digests === undefined ? event : { ...event, _sd: digests })
}
