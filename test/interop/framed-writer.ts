import { randomBytes } from "node:crypto"
import { connect, type TLSSocket } from "node:tls"
import { loadProfile } from "@postern/client"
import { encodeUtf8 } from "@postern/log/base"
import {
  type BatchAck,
  batchBytes,
  decodeAck,
  decodeCredit,
  decodeRefused,
  decodeWelcome,
  encodeBatchFrame,
  encodeFrame,
  encodeHello,
  encodeOpen,
  type Frame,
  FrameReader,
  frameHeaderBytes,
  frameTypes,
  streamDigestNext,
  streamDigestStart,
} from "@postern/log/wire"

const batchHeaderBytes = frameHeaderBytes + 46

/** A writer of postern/1 in its smallest form: one connection, one stream, batches in order. */
export class FramedWriter {
  readonly #socket: TLSSocket
  readonly #reader = new FrameReader()
  readonly #stream = randomBytes(16).toString("hex")
  #digest = streamDigestStart(this.#stream)
  #next = 0
  #credit = 0
  #sentBytes = 0
  #acknowledged = 0
  #changed: (() => void) | undefined
  #opened = false
  #failure: Error | undefined
  /** Every acknowledgement, in the order it came. */
  readonly acks: BatchAck[] = []
  refused = 0

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on("data", (chunk: Buffer) => this.#receive(chunk))
    socket.on("error", (error) => this.#fail(error))
    socket.on("close", () => this.#fail(new Error("the port closed the connection")))
  }

  static async open(file: string, at: { host: string; port: number }): Promise<FramedWriter> {
    const profile = loadProfile(file)
    const socket = connect({
      ...at,
      ca: profile.ca,
      cert: profile.certificate,
      key: profile.key,
      minVersion: "TLSv1.3",
      ALPNProtocols: ["postern/1"],
    })
    const writer = new FramedWriter(socket)
    socket.write(encodeFrame(frameTypes.hello, encodeHello({ agent: "interop/1" })))
    const open = encodeOpen({ channel: 0, stream: writer.#stream, acked: 0 })
    socket.write(encodeFrame(frameTypes.open, open))
    await writer.#until(() => writer.#opened)
    return writer
  }

  /** Resolves when the batch is on its way, which needs credit. */
  async send(events: readonly string[]): Promise<void> {
    await this.#until(() => this.#sentBytes < this.#credit)
    const bytes = events.map(encodeUtf8)
    const batch = { channel: 0, sequence: this.#next, previous: this.#digest, events: bytes }
    const frame = encodeBatchFrame(batch)
    const region = frame.subarray(batchHeaderBytes)
    this.#digest = streamDigestNext(this.#digest, this.#next, events.length, region)
    this.#next += events.length
    this.#sentBytes += batchBytes(bytes)
    this.#socket.write(frame)
  }

  /** Resolves when everything that was sent is acknowledged. */
  async flush(): Promise<void> {
    await this.#until(() => this.#acknowledged === this.#next)
  }

  close(): void {
    this.#socket.removeAllListeners("close")
    this.#socket.end()
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  #receive(chunk: Buffer): void {
    try {
      this.#reader.push(chunk)
      for (const frame of this.#reader) this.#handle(frame)
    } catch (error) {
      this.#failure = error as Error
    }
    this.#changed?.()
  }

  #handle({ type, body }: Frame): void {
    if (type === frameTypes.welcome) this.#credit = decodeWelcome(body).credit
    else if (type === frameTypes.credit) this.#credit = Math.max(this.#credit, decodeCredit(body))
    else if (type === frameTypes.opened) this.#opened = true
    else if (type === frameTypes.refused) {
      for (const { positions } of decodeRefused(body).refused) this.refused += positions.length
    } else if (type === frameTypes.ack) {
      const { credit, batches } = decodeAck(body)
      this.#credit = Math.max(this.#credit, credit)
      for (const batch of batches) this.#acknowledged = batch.sequence + batch.events
      this.acks.push(...batches)
    } else throw new Error(`frame ${type}: ${Buffer.from(body).toString()}`)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#changed?.()
  }
}
