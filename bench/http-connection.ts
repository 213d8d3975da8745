import { connect, type TLSSocket } from "node:tls"
import type { Body } from "./bodies.ts"
import { serialsPerConnection } from "./bodies.ts"
import type { Connection, ConnectionWorld } from "./connection.ts"
import type { Schedule } from "./schedule.ts"

const headEnd = Buffer.from("\r\n\r\n")

/** One keep-alive connection of HTTP/1.1 that posts bodies, one request at a time; no client of Node's is in the way. */
export class HttpConnection implements Connection {
  readonly #world: ConnectionWorld
  readonly #bodies: readonly Body[]
  readonly #batch: number
  #socket: TLSSocket | undefined
  #schedule: Schedule | undefined
  #serial: number
  #body = 0
  /** The one in flight. */
  #sent: Body | undefined
  /** When the request in flight was due. */
  #dueAt: number | undefined
  #chunks: Buffer[] = []
  #received = 0
  /** Bytes of the whole response, once its head is there. */
  #expected = Infinity

  constructor(world: ConnectionWorld, load: { bodies: readonly Body[]; batch: number }) {
    this.#world = world
    this.#bodies = load.bodies
    this.#batch = load.batch
    this.#serial = (1 + world.number) * serialsPerConnection
  }

  open(): Promise<void> {
    const socket = connect({ ...this.#world.tls, ALPNProtocols: ["http/1.1"] })
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on("error", (error) => this.#world.fail(error))
    socket.on("end", () => this.#world.fail(new Error("the server closed the connection")))
    socket.on("data", (chunk: Buffer) => this.#receive(chunk))
    return new Promise((resolve) => {
      socket.once("secureConnect", resolve)
    })
  }

  start(schedule: Schedule): void {
    this.#schedule = schedule
    this.pump()
  }

  pump(): void {
    if (this.#dueAt !== undefined) return
    this.#dueAt = this.#schedule?.due(performance.now())
    if (this.#dueAt === undefined) return
    const body = this.#bodies[this.#body] as Body
    this.#sent = body
    this.#body = (this.#body + 1) % this.#bodies.length
    body.number(this.#serial)
    this.#serial += this.#batch
    this.#socket?.write(body.request)
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#received += chunk.length
    if (this.#expected === Infinity) this.#readHead()
    if (this.#received < this.#expected) return
    const response = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#received = 0
    this.#expected = Infinity
    this.#finish(response)
  }

  #readHead(): void {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    const end = bytes?.indexOf(headEnd) ?? -1
    if (bytes === undefined || end === -1) return
    const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString("latin1", 0, end))
    if (length === null) return this.#world.fail(new Error("a response without content-length"))
    this.#expected = end + headEnd.length + Number(length[1])
  }

  /** A request that was read whole has been answered; so its buffer may be written again. */
  #finish(response: Buffer): void {
    const due = this.#dueAt
    const isWhole = this.#sent?.isAnswer(response)
    if (due === undefined || response.toString("latin1", 9, 12) !== "200" || !isWhole) {
      return this.#world.fail(new Error(`the answer was ${response.toString("latin1", 0, 1000)}`))
    }
    this.#dueAt = undefined
    this.#world.acked(performance.now() - due)
    this.pump()
  }
}
