import { connect, type TLSSocket } from "node:tls"
import { formatHex } from "@postern/log/base"
import {
  type Ack,
  type AlteredEvent,
  type BatchAck,
  decodeAck,
  decodeAltered,
  decodeClosed,
  decodeGoaway,
  decodeOpened,
  decodeRefused,
  decodeWelcome,
  encodeBatchFrame,
  encodeClose,
  encodeFrame,
  encodeGap,
  encodeHello,
  encodeOpen,
  type Frame,
  FrameReader,
  frameTypes,
  type Gap,
  type Goaway,
  type Opened,
  type Refused,
  streamDigestNext,
  streamDigestStart,
  type Welcome,
} from "@postern/log/wire"
import type { Identity } from "./installation.ts"
import type { Place } from "./port-process.ts"
import { within } from "./waiting.ts"

const answerMsMax = 20_000

/** A peer of the write port that says what a test wants it to say, in postern/1 or not. */
export class FramedClient {
  readonly socket: TLSSocket
  readonly #reader = new FrameReader()
  readonly #frames: Frame[] = []
  #wake: () => void = () => undefined
  #ended = false

  private constructor(socket: TLSSocket) {
    this.socket = socket
    const end = (): void => {
      this.#ended = true
      this.#wake()
    }
    socket.on("data", (chunk: Buffer) => {
      this.#reader.push(new Uint8Array(chunk))
      // Kept beyond the next chunk.
      for (const { type, body } of this.#reader) this.#frames.push({ type, body: body.slice() })
      this.#wake()
    })
    socket.on("end", end)
    socket.on("close", end)
    socket.on("error", () => undefined) // Its close follows and is what counts.
  }

  static async connect(place: Place, ca: string, identity: Identity): Promise<FramedClient> {
    const { certificate: cert, key } = identity
    const socket = connect({ ...place, ca, cert, key, ALPNProtocols: ["postern/1"] })
    const client = new FramedClient(socket)
    await within(
      new Promise<void>((resolve, reject) => {
        socket.once("secureConnect", resolve)
        socket.once("error", reject)
      }),
      answerMsMax,
      "the handshake",
    )
    return client
  }

  /** Connected and greeted. */
  static async enter(place: Place, ca: string, identity: Identity): Promise<FramedClient> {
    const client = await FramedClient.connect(place, ca, identity)
    await client.hello()
    return client
  }

  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames))
  }

  /** The next frame of the port; undefined once the connection has ended. */
  async next(ms = answerMsMax): Promise<Frame | undefined> {
    await within(this.#arrival(), ms, "the port's next frame")
    return this.#frames.shift()
  }

  async #arrival(): Promise<void> {
    while (this.#frames.length === 0 && !this.#ended) {
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }

  async #expect(type: number): Promise<Uint8Array> {
    const frame = await this.next()
    if (frame?.type === type) return frame.body
    const said = frame === undefined ? "the end" : `type ${frame.type} ${Buffer.from(frame.body)}`
    throw new Error(`expected a frame of type ${type}, got ${said}`)
  }

  async hello(): Promise<Welcome> {
    this.send(helloFrame())
    return decodeWelcome(await this.#expect(frameTypes.welcome))
  }

  async open(channel: number, stream: string): Promise<Opened> {
    this.send(openFrame(channel, stream))
    return decodeOpened(await this.#expect(frameTypes.opened))
  }

  async ack(): Promise<Ack> {
    return decodeAck(await this.#expect(frameTypes.ack))
  }

  async refused(): Promise<Refused> {
    return decodeRefused(await this.#expect(frameTypes.refused))
  }

  async altered(): Promise<readonly AlteredEvent[]> {
    return decodeAltered(await this.#expect(frameTypes.altered)).events
  }

  async closed(): Promise<number> {
    return decodeClosed(await this.#expect(frameTypes.closed)).channel
  }

  /** The port's last words; answers to what came before are passed over. */
  async goaway(ms = answerMsMax): Promise<Goaway> {
    for (;;) {
      const frame = await this.next(ms)
      if (frame === undefined) throw new Error("the connection ended without GOAWAY")
      if (frame.type === frameTypes.goaway) return decodeGoaway(frame.body)
    }
  }

  /** Resolves once the connection has ended, whatever was said before. */
  async ended(ms = answerMsMax): Promise<void> {
    while ((await this.next(ms)) !== undefined);
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** A stream as its writer knows it: what to send next, and the chain digest there. */
export class ClientStream {
  readonly id: string
  readonly channel: number
  next = 0
  digest: Uint8Array

  constructor(id: string = newStreamId(), channel = 0) {
    this.id = id
    this.channel = channel
    this.digest = streamDigestStart(id)
  }

  /** The next batch, as a frame. */
  batch(events: readonly (string | Uint8Array)[]): Uint8Array {
    const { channel, next: sequence, digest: previous } = this
    const bytes = events.map((event) => new Uint8Array(Buffer.from(event)))
    const frame = encodeBatchFrame({ channel, sequence, previous, events: bytes })
    this.digest = streamDigestNext(previous, sequence, events.length, frame.subarray(52))
    this.next += events.length
    return frame
  }

  gap(count: number, reason = "lost"): Uint8Array {
    const gap: Gap = {
      channel: this.channel,
      sequence: this.next,
      count,
      digest: this.digest,
      reason,
    }
    this.next += count
    return encodeFrame(frameTypes.gap, encodeGap(gap))
  }

  close(): Uint8Array {
    return encodeFrame(frameTypes.close, encodeClose({ channel: this.channel }))
  }
}

export function helloFrame(): Uint8Array {
  return encodeFrame(frameTypes.hello, encodeHello({ agent: "test/1" }))
}

export function openFrame(channel: number, stream: string): Uint8Array {
  return encodeFrame(frameTypes.open, encodeOpen({ channel, stream, acked: 0 }))
}

export function newStreamId(): string {
  return formatHex(globalThis.crypto.getRandomValues(new Uint8Array(16)))
}

/** Everything of an acknowledged batch but the channel, as text, to compare. */
export function describeAck({ note, batches }: Pick<Ack, "note" | "batches">): unknown {
  const hex = (batch: BatchAck) => ({
    ...batch,
    seed: formatHex(batch.seed),
    path: batch.path.map((hash) => formatHex(hash)),
  })
  return { note: Buffer.from(note).toString(), batches: batches.map(hex) }
}
