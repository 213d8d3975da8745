import { hash, randomBytes } from "node:crypto"
import { connect, type TLSSocket } from "node:tls"
import {
  batchHeaderBytes,
  decodeCredit,
  decodeWelcome,
  encodeFrame,
  encodeHello,
  encodeOpen,
  type Frame,
  FrameReader,
  frameHeaderBytes,
  frameTypes,
  streamDigestStart,
} from "@postern/log/wire"
import { readAcknowledged } from "./acknowledged.ts"
import type { Connection, ConnectionWorld } from "./connection.ts"
import type { Region } from "./regions.ts"
import type { Schedule } from "./schedule.ts"

const headBytes = frameHeaderBytes + batchHeaderBytes
/** A write is at least this much if so much is due: one TLS record costs as much as many small events. */
const writeBytes = 262_144
const digestBytes = 32

/**
 * One writer of postern/1 that replays regions: per frame it writes a head, hashes 76 bytes and copies the region. It
 * keeps to the credit and to its window of frames in flight.
 */
export class FramedConnection implements Connection {
  readonly #world: ConnectionWorld
  readonly #regions: readonly Region[]
  readonly #batch: number
  readonly #window: number
  readonly #reader = new FrameReader()
  readonly #stream = randomBytes(16).toString("hex")
  readonly #bufferBytes: number
  /** Buffers that the socket is done with. */
  readonly #buffers: Buffer[] = []
  /** When the frames in flight were due, round. */
  readonly #dueAt: Float64Array
  /** What a chain digest is made of: previous digest, sequence, count, the region's digest. */
  readonly #link = Buffer.alloc(digestBytes + 12 + digestBytes)
  #socket: TLSSocket | undefined
  #schedule: Schedule | undefined
  #credit = 0
  #sentBytes = 0
  #sent = 0
  #acked = 0
  #region: number
  #opened: () => void = () => undefined

  constructor(
    world: ConnectionWorld,
    load: { regions: readonly Region[]; batch: number; window: number },
  ) {
    this.#world = world
    this.#regions = load.regions
    this.#batch = load.batch
    this.#window = load.window
    this.#dueAt = new Float64Array(load.window)
    this.#region = (world.number * 7) % load.regions.length
    const widest = Math.max(...load.regions.map(({ bytes }) => bytes.length))
    this.#bufferBytes = Math.max(writeBytes, headBytes + widest)
    this.#link.set(streamDigestStart(this.#stream))
    this.#link.writeUInt32BE(load.batch, digestBytes + 8)
  }

  open(): Promise<void> {
    const socket = connect({ ...this.#world.tls, ALPNProtocols: ["postern/1"] })
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on("error", (error) => this.#world.fail(error))
    socket.on("end", () => this.#world.fail(new Error("the server closed the connection")))
    socket.on("data", (chunk: Buffer) => this.#receive(chunk))
    socket.write(encodeFrame(frameTypes.hello, encodeHello({ agent: "bench/1" })))
    const open = encodeOpen({ channel: 0, stream: this.#stream, acked: 0 })
    socket.write(encodeFrame(frameTypes.open, open))
    return new Promise((resolve) => {
      this.#opened = resolve
    })
  }

  start(schedule: Schedule): void {
    this.#schedule = schedule
    this.pump()
  }

  pump(): void {
    if (this.#schedule === undefined) return
    let buffer: Buffer | undefined
    let at = 0
    while (this.#sent - this.#acked < this.#window && this.#sentBytes < this.#credit) {
      const due = this.#schedule.due(performance.now())
      if (due === undefined) break
      const region = this.#regions[this.#region] as Region
      const bytes = headBytes + region.bytes.length
      if (buffer !== undefined && at + bytes > buffer.length) {
        this.#write(buffer, at)
        buffer = undefined
      }
      if (buffer === undefined) {
        buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(this.#bufferBytes)
        at = 0
      }
      this.#frame(buffer, at, region)
      at += bytes
      this.#dueAt[this.#sent % this.#window] = due
      this.#sent += 1
      this.#sentBytes += bytes
      this.#region = (this.#region + 1) % this.#regions.length
    }
    if (buffer !== undefined) this.#write(buffer, at)
  }

  #write(buffer: Buffer, end: number): void {
    this.#socket?.write(buffer.subarray(0, end), () => this.#buffers.push(buffer))
  }

  #frame(buffer: Buffer, at: number, region: Region): void {
    const link = this.#link
    link.writeBigUInt64BE(BigInt(this.#sent * this.#batch), digestBytes)
    link.set(region.digest, digestBytes + 12)
    buffer.writeUInt32BE(headBytes - 4 + region.bytes.length, at)
    buffer.writeUInt16BE(frameTypes.batch << 8, at + 4)
    buffer.writeUInt16BE(0, at + 6)
    buffer.writeUInt32BE(this.#batch, at + 8)
    link.copy(buffer, at + 12, digestBytes, digestBytes + 8)
    link.copy(buffer, at + 20, 0, digestBytes)
    buffer.set(region.bytes, at + headBytes)
    link.set(hash("sha256", link, "buffer"))
  }

  #receive(chunk: Buffer): void {
    try {
      this.#reader.push(chunk)
      for (const frame of this.#reader) this.#handle(frame)
      this.pump()
    } catch (error) {
      this.#world.fail(error)
    }
  }

  #handle({ type, body }: Frame): void {
    if (type === frameTypes.ack) return this.#acknowledge(body)
    if (type === frameTypes.credit) this.#credit = Math.max(this.#credit, decodeCredit(body))
    else if (type === frameTypes.welcome) this.#credit = decodeWelcome(body).credit
    else if (type === frameTypes.opened) this.#opened()
    else if (type === frameTypes.altered)
      return // What a policy made of some: nobody keeps receipts here.
    else throw new Error(`a frame of type ${type}: ${Buffer.from(body).toString().slice(0, 500)}`)
  }

  #acknowledge(body: Uint8Array): void {
    const { credit, batches, events, accepted } = readAcknowledged(body)
    if (accepted !== events) throw new Error(`${events - accepted} events were not accepted`)
    this.#credit = Math.max(this.#credit, credit)
    const now = performance.now()
    for (let i = 0; i < batches; i++) {
      this.#world.acked(now - (this.#dueAt[this.#acked % this.#window] as number))
      this.#acked += 1
    }
  }
}
