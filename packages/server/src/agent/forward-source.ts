import { createServer, type Server, type Socket } from "node:net"
import { gunzipSync } from "node:zlib"
import type { HostPort } from "../config/index.ts"
import { type Format, formats } from "../formats/index.ts"
import { Decoding } from "./decoding.ts"
import type { Outgoing } from "./pressure/index.ts"
import {
  chunkBytesMax,
  encodeForwardAck,
  type ForwardMessage,
  ForwardReader,
  inflatedBytesMax,
} from "./records/index.ts"
import type { Source, SourceWord } from "./source.ts"
import { openServer, placeText } from "./stream-source.ts"
import { type RoomyWayOut, WholePuts } from "./whole-puts.ts"

const connectionsMax = 256
const fullMs = 100
/** A message for which there is no room by then is not taken: its connection ends, and the sender comes again. */
const stallMs = 5_000
const noticeMs = 1_000

/** Fluentd's forward protocol on this machine. A message with a chunk is acknowledged when it is on stable storage here. */
export class ForwardSource implements Source {
  readonly over = new Promise<void>(() => undefined)
  readonly #address: HostPort
  readonly #outbound: RoomyWayOut
  readonly #puts: WholePuts
  readonly #format: Format | undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #timer: NodeJS.Timeout | undefined
  #problem: string | undefined

  constructor(address: HostPort, outbound: RoomyWayOut, format: Format | undefined) {
    this.#address = address
    this.#outbound = outbound
    this.#puts = new WholePuts(outbound)
    this.#format = format ?? formats.get("records")
    this.#server = createServer((socket) => this.#accept(socket))
    this.#server.maxConnections = connectionsMax
  }

  async start(): Promise<void> {
    await openServer(this.#server, { address: this.#address })
    this.#timer = setInterval(() => this.#outbound.put(this.#outbound.notices()), noticeMs)
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    const reader = new ForwardReader((bytes) =>
      gunzipSync(bytes, { maxOutputLength: inflatedBytesMax }),
    )
    let turn: Promise<void> = Promise.resolve()
    socket.on("data", (chunk: Buffer) => {
      // One chunk at a time: what cannot be kept yet is not read either.
      socket.pause()
      turn = turn
        .then(() => this.#take(reader.push(chunk), socket))
        .then(() => void socket.resume())
        .catch((error) => this.#fail(socket, error))
    })
    socket.on("error", (error) => {
      this.#problem = String(error)
    })
    socket.once("close", () => this.#sockets.delete(socket))
  }

  #fail(socket: Socket, error: unknown): void {
    this.#problem = String(error)
    socket.destroy()
  }

  async #take(messages: readonly ForwardMessage[], socket: Socket): Promise<void> {
    for (const { records, chunk } of messages) {
      const items: Outgoing[] = []
      const decoding = new Decoding(this.#outbound.source, this.#format, (event) => {
        items.push(event)
      })
      for (const record of records) decoding.take(record)
      decoding.end()
      await this.#untilRoomFor(items)
      const { stored } = await this.#puts.put(items)
      if (chunk === undefined || chunk.length > chunkBytesMax) continue
      await stored()
      if (socket.writable) socket.write(encodeForwardAck(chunk))
    }
  }

  /** Waits, but not for ever: put() says that there is none. */
  async #untilRoomFor(items: readonly Outgoing[]): Promise<void> {
    const until = Date.now() + stallMs
    while (!this.#puts.hasRoomFor(items) && Date.now() < until) {
      await new Promise<void>((resolve) => setTimeout(resolve, fullMs))
    }
  }

  word(): SourceWord {
    return {
      state: this.#puts.isFull || this.#outbound.isFull ? "full" : "reading",
      problem: this.#problem,
      connections: this.#sockets.size,
      places: [placeText(this.#server, { address: this.#address })],
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
