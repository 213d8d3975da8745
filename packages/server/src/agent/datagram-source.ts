import { createSocket, type Socket } from "node:dgram"
import { isIPv6 } from "node:net"
import { PosternError } from "@postern/log/base"
import { formatHostPort, type HostPort } from "../config/index.ts"
import type { Format } from "../formats/index.ts"
import { Decoding } from "./decoding.ts"
import type { Inlet } from "./inlet.ts"
import type { Outgoing } from "./pressure/index.ts"
import type { Source, SourceWord } from "./source.ts"

const receiveBytes = 4 * 1024 * 1024
const idleMs = 1_000

/** Syslog over UDP on this machine: a datagram a message. Nobody can be made to wait, so what finds no room is lost, and counted. */
export class DatagramSource implements Source {
  readonly over = new Promise<void>(() => undefined)
  readonly #address: HostPort
  readonly #inlet: Inlet
  readonly #decoding: Decoding
  readonly #socket: Socket
  #items: Outgoing[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(address: HostPort, inlet: Inlet, source: string, format: Format | undefined) {
    this.#address = address
    this.#inlet = inlet
    this.#decoding = new Decoding(source, format, (event) => {
      this.#items.push(event)
    })
    const type = isIPv6(address.host) ? "udp6" : "udp4"
    this.#socket = createSocket({ type, recvBufferSize: receiveBytes })
    this.#socket.on("message", (message) => {
      this.#decoding.stamp()
      this.#decoding.take(message.at(-1) === 0x0a ? message.subarray(0, -1) : message)
      this.#handOn()
    })
  }

  #handOn(): void {
    const items = this.#items
    this.#items = []
    this.#inlet.add(items)
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("error", (error: NodeJS.ErrnoException) => {
        const code = error.code === "EADDRINUSE" ? "ADDRESS_IN_USE" : "BIND_REFUSED"
        reject(new PosternError(code, error.message, { cause: error }))
      })
      this.#socket.bind({ address: this.#address.host, port: this.#address.port }, resolve)
    })
    this.#timer = setInterval(() => {
      this.#decoding.end()
      this.#handOn()
    }, idleMs)
  }

  word(): SourceWord {
    const { port } = this.#socket.address()
    const place = formatHostPort({ host: this.#address.host, port })
    return { state: this.#inlet.isFull ? "full" : "reading", places: [`udp ${place}`] }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await new Promise<void>((resolve) => this.#socket.close(resolve))
    this.#decoding.end()
    this.#handOn()
    this.#inlet.close()
  }
}
