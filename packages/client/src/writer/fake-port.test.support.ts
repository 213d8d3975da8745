/**
 * A small port that speaks docs/spec/wire.md over real TLS and keeps its log in memory. It is honest unless a test tells it
 * otherwise, and it judges streams as the specification says, so that a writer which errs is found out.
 */
import { generateKeyPairSync, randomBytes, randomInt, sign } from "node:crypto"
import { once } from "node:events"
import {
  createServer as createNetServer,
  type ListenOptions,
  type Server as NetServer,
} from "node:net"
import { createServer, type Server, type TLSSocket } from "node:tls"
import { concatBytes, encodeUtf8 } from "@postern/log/base"
import { deriveNonce, formatStamp } from "@postern/log/event"
import {
  formatReceiptCertificateText,
  formatReceiptText,
  receiptKeyName,
} from "@postern/log/evidence"
import {
  consistencyProof,
  formatCheckpoint,
  formatNote,
  formatVkey,
  inclusionProof,
  leafHash,
  type NoteSigner,
  noteKeyId,
  rangeRoot,
  signNote,
  treeRoot,
} from "@postern/log/tlog"
import type { AuditAnswer, AuditQuestion, Doubt } from "@postern/log/wire"
import type { Profile } from "../profile.ts"
import { type Authority, createAuthority, type Identity } from "./certificates.test.support.ts"
import { FakeSession } from "./fake-session.test.support.ts"

export const origin = "postern.test/audit"
export const serverId = "spiffe://postern.test/server"
export const writerId = "spiffe://postern.test/writer/app"

export interface FakeBatch {
  readonly sequence: number
  readonly events: number
  readonly accepted: number
  readonly firstIndex: number
  readonly received: number
  readonly seed: Uint8Array
  readonly digest: Uint8Array
  readonly note: string
}

export interface FakeStream {
  readonly id: string
  readonly open: number
  /** As OPEN said. */
  readonly previous: string | undefined
  next: number
  digest: Uint8Array
  readonly batches: FakeBatch[]
  readonly gaps: { sequence: number; count: number; reason: string }[]
  isClosed: boolean
  /** Sequences that the writer signed for, with its certificate's key. */
  readonly signed: { readonly kind: "beat" | "close"; readonly next: number }[]
}

/** What a test may change at any time. */
export interface FakeManners {
  /** Credit of a new connection, and how far beyond what was received each ACK extends it. */
  credit: number
  /** Nothing is acknowledged while this is set; afterwards call release(). */
  isSilent: boolean
  /** A code for an event that is to be refused. */
  refuse: (event: string) => string | undefined
  /** Changes a receipt note before it leaves. */
  forge: (note: string) => string
  /** The connection is cut when so many bytes were received on it; taken from the front, one a connection. */
  cutsReceiving: number[]
  /** And so when so many were sent. */
  cutsSending: number[]
  /** What OPENED says instead of what the stream knows; once. */
  misopen: ((stream: FakeStream) => { next: number; digest: Uint8Array }) | undefined
  /** The certificate of the receipt key that WELCOME carries, if not the right one. */
  certificate: string | undefined
  protocols: string[]
  origin: string
  /** Of a version that knows neither beats nor audits. */
  isOld: boolean
  /** Whether AUDIT is answered. */
  answersAudits: boolean
  /** Changes what is said of the log before it leaves. */
  missay: (answer: AuditAnswer) => AuditAnswer | Promise<AuditAnswer>
  /** No signature of a stream is taken for good. */
  distrusts: boolean
}

export interface FakeSigner extends NoteSigner {
  readonly vkey: string
  sign(message: Uint8Array): Uint8Array
}

export function createSigner(name: string): FakeSigner {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519")
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32)
  return {
    name,
    keyId: noteKeyId(name, raw),
    vkey: formatVkey(name, raw),
    sign: (message) => sign(undefined, message, privateKey),
  }
}

/** Undefined where somebody listens already. */
function tryListen(at: ListenOptions): Promise<NetServer | undefined> {
  return new Promise((resolve, reject) => {
    const server = createNetServer()
    server.once("listening", () => resolve(server.unref()))
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined)
      else reject(error)
    })
    server.listen(at)
  })
}

/**
 * A number that stays free for this port while it is down: below those that a kernel hands out by itself, and with a name in Linux's abstract
 * namespace that every test which looks for a number takes first, until its process ends.
 */
async function claimPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const name = `\0postern-test-port-${port}`
    if (process.platform === "linux" && (await tryListen({ path: name })) === undefined) continue
    const probe = await tryListen({ host: "127.0.0.1", port })
    if (probe === undefined) continue
    await new Promise((closed) => probe.close(closed))
    return port
  }
}

export class FakePort {
  readonly authority: Authority = createAuthority()
  readonly logKey = createSigner(origin)
  readonly receiptKey = createSigner(receiptKeyName(origin))
  readonly streams = new Map<string, FakeStream>()
  /** The log: what was accepted, in order. */
  readonly entries: { stream: string; sequence: number; event: string }[] = []
  /** Of every entry by its index; openings, which nobody reads here, have one of their own making. */
  readonly leafHashes: Uint8Array[] = []
  /** The log keys that sign. */
  signers: FakeSigner[] = [this.logKey]
  /** What is told of changes of the log key, from an index on. */
  keys: (from: number) => string | undefined = () => undefined
  readonly audits: AuditQuestion[] = []
  readonly doubts: Doubt[] = []
  /** The JSON of what was handed over, by its digest, and the digest of every part that came. */
  readonly disclosures = new Map<string, string>()
  readonly disclosed: string[] = []
  readonly sessions = new Set<FakeSession>()
  readonly manners: FakeManners = {
    credit: 65_536,
    isSilent: false,
    refuse: () => undefined,
    forge: (note) => note,
    cutsReceiving: [],
    cutsSending: [],
    misopen: undefined,
    certificate: undefined,
    protocols: ["postern/1"],
    origin,
    distrusts: false,
    isOld: false,
    answersAudits: true,
    missay: (answer) => answer,
  }
  /** Connections that got as far as a certificate. */
  connections = 0
  /** BATCH frames, repeated ones included. */
  batches = 0
  certificate = ""
  readonly #identity: Identity
  readonly #server: Server
  #port = 0
  #index = 0
  #changed: (() => void)[] = []

  static async start(serverUris: readonly string[] = [serverId]): Promise<FakePort> {
    const port = new FakePort(serverUris)
    await port.certify()
    await port.listen()
    return port
  }

  private constructor(serverUris: readonly string[]) {
    this.#identity = this.authority.issue(...serverUris)
    this.#server = createServer({
      key: this.#identity.key,
      cert: this.#identity.certificate,
      ca: this.authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.3",
      ALPNCallback: ({ protocols }) => protocols.find((p) => this.manners.protocols.includes(p)),
    })
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy())
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      this.connections += 1
      this.sessions.add(new FakeSession(this, socket))
      this.notify()
    })
  }

  /** Has the receipt key certified by the log keys that sign. */
  async certify(): Promise<void> {
    const text = formatReceiptCertificateText(origin, this.receiptKey.vkey)
    this.certificate = await signNote(text, ...this.signers)
  }

  async listen(): Promise<void> {
    if (this.#port === 0) this.#port = await claimPort()
    this.#server.listen(this.#port, "127.0.0.1")
    await once(this.#server, "listening")
  }

  /** Gone, as after a kill; listen() brings it back with everything it had made durable. */
  async stop(): Promise<void> {
    const closed = once(this.#server, "close")
    this.#server.close()
    for (const session of this.sessions) session.cut()
    await closed
  }

  profile(more: Partial<Profile> = {}): Profile {
    return {
      role: "writer",
      id: writerId,
      server: serverId,
      address: `127.0.0.1:${this.#port}`,
      source: "app://app",
      log: { origin, vkey: this.logKey.vkey },
      ca: this.authority.certificate,
      ...this.authority.issue(writerId),
      ...more,
    }
  }

  /** Acknowledges what was held back while the port was silent. */
  release(): void {
    this.manners.isSilent = false
    for (const session of this.sessions) session.flush()
  }

  /** Resolves once the condition holds; it is looked at whenever something has happened. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve))
  }

  notify(): void {
    for (const resolve of this.#changed.splice(0)) resolve()
  }

  /** The tree of the first `size` entries, signed. */
  async checkpoint(size = this.leafHashes.length, ...keys: readonly NoteSigner[]): Promise<string> {
    const root = await treeRoot(size, this.#read)
    return signNote(
      formatCheckpoint({ origin, size, root }),
      ...(keys.length > 0 ? keys : this.signers),
    )
  }

  /** The answer to an AUDIT, with the newest checkpoint or that of a size. */
  async answer(
    { seen, sample, keys }: AuditQuestion,
    size = this.leafHashes.length,
  ): Promise<AuditAnswer> {
    const isCovered = sample !== undefined && sample < size
    const [small, large] = [Math.min(seen, size), Math.max(seen, size)]
    const isAhead = seen > this.leafHashes.length
    return {
      note: await this.checkpoint(size),
      from: seen,
      consistency: isAhead ? [] : await consistencyProof(small, large, this.#read),
      sample: isCovered ? sample : undefined,
      path: isCovered ? await this.pathOf(sample, size) : [],
      keys: keys === undefined ? undefined : this.keys(keys),
    }
  }

  pathOf(index: number, size: number): Promise<Uint8Array[]> {
    return inclusionProof(index, size, this.#read)
  }

  /** An entry of the port's own; its index. */
  put(leaf: Uint8Array): number {
    const index = this.#index++
    this.leafHashes[index] = leafHash(leaf)
    return index
  }

  /** Hashes of tile levels, from the leaves each time. */
  readonly #read = async (level: number, from: number, to: number): Promise<Uint8Array> => {
    const width = 256 ** level
    const nodes: Uint8Array[] = []
    for (let i = from; i < to; i++) {
      nodes.push(rangeRoot(0, concatBytes(...this.leafHashes.slice(i * width, (i + 1) * width))))
    }
    return concatBytes(...nodes)
  }

  openStream(id: string, previous?: string): FakeStream {
    const known = this.streams.get(id)
    if (known !== undefined && !known.isClosed) return known
    const stream: FakeStream = {
      ...{ id, previous, open: this.put(encodeUtf8(id)), next: 0, digest: new Uint8Array(32) },
      ...{ batches: [], gaps: [], signed: [], isClosed: false },
    }
    this.streams.set(id, stream)
    return stream
  }

  /** Takes a batch that follows; the events that are not refused become entries of a slot of their own. */
  keep(
    stream: FakeStream,
    sequence: number,
    events: readonly Uint8Array[],
    digest: Uint8Array,
  ): { batch: FakeBatch; refused: Map<string, number[]> } {
    const seed = randomBytes(16)
    const received = Date.now() * 1000
    const firstIndex = this.#index
    const refused = new Map<string, number[]>()
    const leaves: Uint8Array[] = []
    for (const [position, bytes] of events.entries()) {
      const event = Buffer.from(bytes).toString()
      const code = this.manners.refuse(event)
      if (code !== undefined) {
        refused.set(code, [...(refused.get(code) ?? []), position])
        continue
      }
      const nonce = deriveNonce(seed, position)
      const stamp = { received, open: stream.open, nonce, changed: 0 } as const
      const text = formatStamp({ ...stamp, sequence: sequence + position })
      leaves.push(leafHash(concatBytes(encodeUtf8(`${text}\n`), bytes)))
      this.entries.push({ stream: stream.id, sequence: sequence + position, event })
    }
    for (const [at, hash] of leaves.entries()) this.leafHashes[firstIndex + at] = hash
    const count = leaves.length
    this.#index += count
    stream.next = sequence + events.length
    stream.digest = digest
    const counts = { sequence, events: events.length, accepted: count, firstIndex }
    const note = count === 0 ? "" : this.#receipt(firstIndex, leaves)
    const batch = { ...counts, received, seed, digest, note }
    stream.batches.push(batch)
    this.notify()
    return { batch, refused }
  }

  #receipt(first: number, leaves: readonly Uint8Array[]): string {
    const root = rangeRoot(first, concatBytes(...leaves))
    const text = formatReceiptText({ origin, first, count: leaves.length, root })
    const { name, keyId } = this.receiptKey
    const signature = this.receiptKey.sign(encodeUtf8(text))
    return formatNote({ text, signatures: [{ name, keyId, signature }] })
  }
}
