import type { TLSSocket } from "node:tls"
import { encodeUtf8, equalBytes } from "@postern/log/base"
import { digestsOf, disclosureDigest } from "@postern/log/event"
import { verifyStreamStatement } from "@postern/log/evidence"
import {
  type Ack,
  type AuditAnswer,
  type AuditQuestion,
  ackLevelDurable,
  type BatchAck,
  decodeAudit,
  decodeBatchHeader,
  decodeBeat,
  decodeClose,
  decodeDisclosurePart,
  decodeDoubt,
  decodeGap,
  decodeHello,
  decodeOpen,
  encodeAck,
  encodeCheckpoint,
  encodeClosed,
  encodeCredit,
  encodeFrame,
  encodeGoaway,
  encodeOpened,
  encodeRefused,
  encodeWelcome,
  type Frame,
  FrameReader,
  type FrameType,
  frameHeaderBytes,
  frameTypes,
  splitRegion,
  streamDigestNext,
  streamDigestStart,
} from "@postern/log/wire"
import type { FakeBatch, FakePort, FakeStream } from "./fake-port.test.support.ts"

interface Due {
  readonly batch: Omit<FakeBatch, "digest">
  readonly channel: number
  readonly open: number
}

/** One connection to the fake port. Frames are taken one after the other. */
export class FakeSession {
  /** Everything received that was looked at. */
  receivedBytes = 0
  readonly frames: FrameType[] = []
  readonly #port: FakePort
  readonly #socket: TLSSocket
  readonly #reader = new FrameReader()
  readonly #channels = new Map<number, FakeStream>()
  readonly #cutReceiving: number
  readonly #cutSending: number
  readonly #publicKey: string
  /** Parts of a disclosure that goes on. */
  readonly #disclosed: Buffer[] = []
  #sentBytes = 0
  #batchBytes = 0
  #granted: number
  #greeted = false
  #held: Due[] = []

  constructor(port: FakePort, socket: TLSSocket) {
    this.#port = port
    this.#socket = socket
    const spki = socket.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" })
    this.#publicKey = spki?.toString("base64") ?? ""
    const { cutsReceiving, cutsSending, credit } = port.manners
    this.#cutReceiving = cutsReceiving.shift() ?? Number.POSITIVE_INFINITY
    this.#cutSending = cutsSending.shift() ?? Number.POSITIVE_INFINITY
    this.#granted = credit
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      port.sessions.delete(this)
      port.notify()
    })
    socket.on("data", (chunk: Buffer) => this.#received(chunk))
  }

  cut(): void {
    this.#socket.destroy()
  }

  goAway(code: string, expected?: number): void {
    const words = { code, message: "as the test wants it", hint: "none" }
    const goaway = { ...words, ...(expected === undefined ? {} : { expected }) }
    this.#send(frameTypes.goaway, encodeGoaway(goaway))
    this.#socket.end()
  }

  /** Acknowledges what was held back. */
  flush(): void {
    for (const due of this.#held.splice(0)) this.#acknowledge(due)
  }

  sendRaw(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  #send(type: FrameType, body: Uint8Array): void {
    if (this.#socket.destroyed) return
    const frame = encodeFrame(type, body)
    const left = this.#cutSending - this.#sentBytes
    this.#sentBytes += frame.length
    if (frame.length < left) {
      this.#socket.write(frame)
      return
    }
    // What was written before the cut is to arrive, the rest is not.
    this.#socket.end(frame.subarray(0, left), () => this.cut())
  }

  #received(chunk: Buffer): void {
    const left = this.#cutReceiving - this.receivedBytes
    const taken = chunk.subarray(0, Math.max(0, left))
    this.receivedBytes += taken.length
    this.#reader.push(taken)
    for (const frame of this.#reader) {
      this.frames.push(frame.type)
      this.#handle(frame)
      this.#port.notify()
    }
    if (this.receivedBytes >= this.#cutReceiving) this.cut()
  }

  #handle(frame: Frame): void {
    if (!this.#greeted && frame.type !== frameTypes.hello) return this.goAway("FRAME_ORDER")
    if (this.#disclosed.length > 0 && frame.type !== frameTypes.disclosure) {
      return this.goAway("DISCLOSURE_SYNTAX")
    }
    switch (frame.type) {
      case frameTypes.hello:
        return this.#hello(frame)
      case frameTypes.open:
        return this.#open(frame)
      case frameTypes.batch:
        return this.#batch(frame)
      case frameTypes.disclosure:
        return this.#disclosure(frame)
      case frameTypes.gap:
        return this.#gap(frame)
      case frameTypes.close: {
        const { channel, signed } = decodeClose(frame.body)
        const stream = this.#channels.get(channel)
        if (stream === undefined) return this.goAway("STREAM_UNKNOWN")
        const end = (): void => {
          stream.isClosed = true
          this.#send(frameTypes.closed, encodeClosed({ channel }))
        }
        return signed === undefined ? end() : this.#hear("close", stream, signed, end)
      }
      case frameTypes.beat: {
        if (this.#port.manners.isOld) return this.goAway("FRAME_TYPE")
        const { channel, ...signed } = decodeBeat(frame.body)
        const stream = this.#channels.get(channel)
        if (stream === undefined) return this.goAway("STREAM_UNKNOWN")
        return this.#hear("beat", stream, signed, () => undefined)
      }
      case frameTypes.audit:
        return this.#audit(decodeAudit(frame.body))
      case frameTypes.doubt:
        this.#port.doubts.push(decodeDoubt(frame.body))
        return
      case frameTypes.ping:
        return this.#send(frameTypes.pong, frame.body)
      default:
        return this.goAway("FRAME_TYPE")
    }
  }

  /** Judges what the writer signed for its stream as it stands now. */
  #hear(
    kind: "beat" | "close",
    stream: FakeStream,
    { sequence, signature }: { sequence: number; signature: string },
    then: () => void,
  ): void {
    const { id, next, digest } = stream
    const statement = { origin: this.#port.manners.origin, stream: id, kind, next, digest }
    const isGood = sequence === next && !this.#port.manners.distrusts
    const judged = verifyStreamStatement(statement, this.#publicKey, signature)
    void judged.then((holds) => {
      if (!isGood || !holds) return this.goAway("STREAM_SIGNATURE")
      stream.signed.push({ kind, next })
      then()
      this.#port.notify()
    })
  }

  #audit(question: AuditQuestion): void {
    const port = this.#port
    port.audits.push(question)
    if (port.manners.isOld) return this.goAway("FRAME_TYPE")
    if (!port.manners.answersAudits) return
    const say = (answer: AuditAnswer): void => {
      this.#send(frameTypes.checkpoint, encodeCheckpoint(answer))
      port.notify()
    }
    void port.answer(question).then(async (answer) => say(await port.manners.missay(answer)))
  }

  #hello(frame: Frame): void {
    decodeHello(frame.body)
    this.#greeted = true
    const { manners, certificate, logKey } = this.#port
    const welcome = {
      ...{ origin: manners.origin, session: "s", credit: this.#granted, vkey: logKey.vkey },
      certificate: manners.certificate ?? certificate,
      limits: { frameBytes: 1_048_576, batchEvents: 10_000, entryBytes: 65_535 },
      keys: this.#port.keys(0),
    }
    this.#send(frameTypes.welcome, encodeWelcome(welcome))
  }

  #open(frame: Frame): void {
    const { channel, stream: id, previous } = decodeOpen(frame.body)
    if (this.#channels.has(channel)) return this.goAway("FRAME_ORDER")
    const stream = this.#port.openStream(id, previous)
    if (stream.next === 0) stream.digest = streamDigestStart(id)
    this.#channels.set(channel, stream)
    const { manners } = this.#port
    const { next, digest } = manners.misopen?.(stream) ?? stream
    manners.misopen = undefined
    this.#send(frameTypes.opened, encodeOpened({ channel, open: stream.open, next, digest }))
  }

  #batch(frame: Frame): void {
    const { channel, count, sequence, previous, region } = decodeBatchHeader(frame.body)
    const stream = this.#channels.get(channel)
    this.#port.batches += 1
    if (stream === undefined) return this.goAway("STREAM_UNKNOWN")
    if (this.#batchBytes >= this.#granted) return this.goAway("CREDIT_EXCEEDED")
    this.#batchBytes += frameHeaderBytes + frame.body.length
    const digest = streamDigestNext(previous, sequence, count, region)
    if (sequence > stream.next) return this.goAway("STREAM_HOLE", stream.next)
    if (sequence < stream.next) {
      const known = stream.batches.find((batch) => batch.sequence === sequence)
      if (known === undefined || !equalBytes(known.digest, digest)) {
        return this.goAway("STREAM_EQUIVOCATION")
      }
      return this.#acknowledge({ batch: known, channel, open: stream.open })
    }
    if (!equalBytes(previous, stream.digest)) return this.goAway("STREAM_EQUIVOCATION")
    const events = splitRegion(region, count)
    const named = events.flatMap((event) => digestsOf(JSON.parse(Buffer.from(event).toString())))
    if (!named.every((one) => this.#port.disclosures.has(one)))
      return this.goAway("EVENT_DISCLOSURE")
    const { batch, refused } = this.#port.keep(stream, sequence, events, digest)
    if (refused.size > 0) {
      const rows = [...refused].map(([code, positions]) => ({ code, hint: "why not", positions }))
      this.#send(frameTypes.refused, encodeRefused({ channel, sequence, refused: rows }))
    }
    this.#acknowledge({ batch, channel, open: stream.open })
  }

  #disclosure(frame: Frame): void {
    const { digest, isMore, part } = decodeDisclosurePart(frame.body)
    if (this.#batchBytes >= this.#granted) return this.goAway("CREDIT_EXCEEDED")
    this.#batchBytes += frameHeaderBytes + frame.body.length
    this.#disclosed.push(Buffer.from(part))
    const named = Buffer.from(digest).toString("base64url")
    this.#port.disclosed.push(named)
    if (!isMore) {
      const json = Buffer.concat(this.#disclosed.splice(0))
      if (disclosureDigest(json) !== named) return this.goAway("DISCLOSURE_SYNTAX")
      this.#port.disclosures.set(named, json.toString())
    }
    this.#granted = Math.max(this.#granted, this.#batchBytes + this.#port.manners.credit)
    this.#send(frameTypes.credit, encodeCredit(this.#granted))
  }

  #gap(frame: Frame): void {
    const { channel, sequence, count, digest, reason } = decodeGap(frame.body)
    const stream = this.#channels.get(channel)
    if (stream === undefined) return this.goAway("STREAM_UNKNOWN")
    if (sequence > stream.next) return this.goAway("STREAM_HOLE", stream.next)
    if (sequence === stream.next) {
      stream.next = sequence + count
      stream.digest = digest
      stream.gaps.push({ sequence, count, reason })
    }
    const nothing = { accepted: 0, firstIndex: 0, received: 0, seed: new Uint8Array(16), note: "" }
    this.#acknowledge({
      batch: { sequence, events: count, ...nothing },
      ...{ channel, open: stream.open },
    })
  }

  #acknowledge(due: Due): void {
    if (this.#port.manners.isSilent) {
      this.#held.push(due)
      return
    }
    const { manners } = this.#port
    const { note, ...row } = due.batch
    this.#granted = Math.max(this.#granted, this.#batchBytes + manners.credit)
    const batch: BatchAck = {
      ...{ channel: due.channel, open: due.open, changed: 0, path: [] },
      ...row,
    }
    const sent = encodeUtf8(note === "" ? "" : manners.forge(note))
    const body: Ack = {
      level: ackLevelDurable,
      credit: this.#granted,
      note: sent,
      batches: [batch],
    }
    this.#send(frameTypes.ack, encodeAck(body))
  }
}
