import { connect, type TLSSocket } from "node:tls"
import type { Profile } from "@postern/client"
import { decodeUtf8 } from "@postern/log/base"
import {
  decodeAck,
  decodeCredit,
  decodeGoaway,
  decodeOpened,
  decodeWelcome,
  encodeClose,
  encodeFrame,
  encodeHello,
  encodeOpen,
  type Frame,
  FrameReader,
  frameTypes,
} from "@postern/log/wire"
import type { Decisions } from "./decisions.ts"
import { addressOf } from "./installation.ts"
import { StreamRecord } from "./stream-record.ts"

const spoolBytesMax = 3 * 1024 * 1024
const reconnectMs = 15

export interface WriterOptions {
  /** `small-1`, `large-2`: what its streams are named after. */
  readonly name: string
  onAck?(): void
}

/**
 * A writer of postern/1 that survives its port: keeps what is not acknowledged, reconnects, asks where the stream
 * stands, sends the rest again. Sometimes it reports a gap, sometimes it closes its stream and begins another.
 */
export class FramedWriter {
  readonly records: StreamRecord[] = []
  readonly faults: string[] = []
  certificate = ""
  vkey = ""
  readonly #profile: Profile
  readonly #options: WriterOptions
  readonly #decisions: Decisions
  #record: StreamRecord
  #socket: TLSSocket | undefined
  #timer: NodeJS.Timeout | undefined
  #reader = new FrameReader()
  /** Frames of the spool that this connection has sent. */
  #sent = 0
  #sentBytes = 0
  #credit = 0
  #isOpen = false
  #closing: "no" | "wanted" | "sent" = "no"
  #producing = true
  #stopped = false
  #drained: (() => void) | undefined

  constructor(profile: Profile, decisions: Decisions, options: WriterOptions) {
    this.#profile = profile
    this.#options = options
    this.#decisions = decisions.apart(options.name)
    this.#record = this.#begin()
  }

  #begin(): StreamRecord {
    const channel = this.records.length
    this.#record = new StreamRecord(`${this.#options.name}.${channel}`, channel)
    this.records.push(this.#record)
    this.#closing = "no"
    return this.#record
  }

  start(): void {
    if (this.#stopped) return
    const socket = connect({
      ...addressOf(this.#profile),
      ca: this.#profile.ca,
      cert: this.#profile.certificate,
      key: this.#profile.key,
      minVersion: "TLSv1.3",
      ALPNProtocols: ["postern/1"],
    })
    this.#socket = socket
    this.#reader = new FrameReader()
    this.#isOpen = false
    this.#sent = 0
    this.#sentBytes = 0
    this.#credit = 0
    // A CLOSE that was not answered may have been kept or not: that stream is left alone.
    if (this.#closing === "sent") this.#begin()
    socket.once("secureConnect", () => {
      socket.write(encodeFrame(frameTypes.hello, encodeHello({ agent: "crash/1" })))
      this.#open()
    })
    socket.on("data", (chunk: Buffer) => this.#receive(chunk))
    socket.on("error", () => socket.destroy()) // The port was killed: what follows is "close".
    socket.once("close", () => {
      this.#isOpen = false
      if (!this.#stopped) this.#timer = setTimeout(() => this.start(), reconnectMs)
    })
  }

  #open(): void {
    const { channel, id, kept } = this.#record
    const open = encodeOpen({ channel, stream: id, acked: kept })
    this.#socket?.write(encodeFrame(frameTypes.open, open))
  }

  /** Closes the stream once all of it is acknowledged, and begins another one. */
  retire(): void {
    if (this.#closing === "no") this.#closing = "wanted"
  }

  /** Makes nothing new; resolves when everything is acknowledged. */
  drain(): Promise<void> {
    this.#producing = false
    return new Promise((resolve) => {
      this.#drained = resolve
      this.#pump()
    })
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#socket?.destroy()
  }

  #receive(chunk: Buffer): void {
    try {
      this.#reader.push(chunk)
      for (const frame of this.#reader) this.#handle(frame)
    } catch (error) {
      this.faults.push(`${this.#record.name}: ${String(error)}`)
      this.#socket?.destroy()
    }
    this.#pump()
  }

  #handle({ type, body }: Frame): void {
    if (type === frameTypes.welcome) {
      const welcome = decodeWelcome(body)
      this.certificate = welcome.certificate
      this.vkey = welcome.vkey
      this.#credit = welcome.credit
    } else if (type === frameTypes.opened) {
      this.#opened(body)
    } else if (type === frameTypes.credit) {
      this.#credit = Math.max(this.#credit, decodeCredit(body))
    } else if (type === frameTypes.ack) {
      this.#acknowledged(body)
    } else if (type === frameTypes.closed) {
      this.#record.closed = true
      this.#isOpen = false
      this.#begin()
      this.#sent = 0
      this.#open()
    } else if (type === frameTypes.goaway) {
      const { code, detail } = decodeGoaway(body)
      if (code === "SHUTTING_DOWN") return
      this.faults.push(`${this.#record.name}: GOAWAY ${code} ${detail ?? ""}`)
    } else {
      this.faults.push(`${this.#record.name}: frame ${type} ${decodeUtf8(body)?.slice(0, 200)}`)
    }
  }

  #opened(body: Uint8Array): void {
    const { open, next, digest } = decodeOpened(body)
    this.#record.opened(open, next, digest)
    // Both are allowed: to believe the port, or to send everything again for its receipts.
    if (this.#decisions.chance(0.3)) this.#record.drop(next)
    this.#isOpen = true
  }

  #acknowledged(body: Uint8Array): void {
    const { credit, note, batches } = decodeAck(body)
    this.#credit = Math.max(this.#credit, credit)
    const text = Buffer.from(note).toString()
    for (const batch of batches) {
      this.#record.acknowledge(batch, text)
      this.#sent -= 1
    }
    this.#options.onAck?.()
  }

  #pump(): void {
    const { spool } = this.#record
    while (this.#isOpen && this.#sentBytes < this.#credit) {
      const frame = spool[this.#sent] ?? this.#make()
      if (frame === undefined) break
      this.#socket?.write(frame.bytes)
      this.#sent += 1
      if (frame.kind === "batch") this.#sentBytes += frame.bytes.length
    }
    if (!this.#isOpen || spool.length > 0) return
    if (this.#closing === "wanted") this.#close()
    else if (!this.#producing) this.#drained?.()
  }

  #close(): void {
    const { channel } = this.#record
    this.#socket?.write(encodeFrame(frameTypes.close, encodeClose({ channel })))
    this.#closing = "sent"
  }

  #make() {
    const { spoolBytes } = this.#record
    if (!this.#producing || this.#closing !== "no" || spoolBytes >= spoolBytesMax) return undefined
    if (this.#decisions.chance(0.003)) return this.#record.makeGap(this.#decisions.between(1, 1000))
    const most = this.#options.name.startsWith("large") ? 12 : 300
    const single = this.#decisions.chance(0.2)
    return this.#record.make(single ? 1 : this.#decisions.between(1, most))
  }
}
