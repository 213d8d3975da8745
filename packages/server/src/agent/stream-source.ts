import { chmodSync, mkdirSync, rmSync, statSync } from "node:fs"
import { connect, createServer, type ListenOptions, type Server, type Socket } from "node:net"
import { dirname } from "node:path"
import type { Readable } from "node:stream"
import { PosternError } from "@postern/log/base"
import { formatHostPort, type HostPort } from "../config/index.ts"
import { ByteStream, type StreamOptions } from "./byte-stream.ts"
import type { Inlet } from "./inlet.ts"
import type { Source, SourceWord } from "./source.ts"

const connectionsMax = 256
const lookMs = 500

/** Standard input: what an audisp plugin gets, or a pipe. */
export class StdinSource implements Source {
  readonly over: Promise<void>
  readonly #stdin: Readable
  readonly #inlet: Inlet
  readonly #options: StreamOptions
  #stream: ByteStream | undefined
  #timer: NodeJS.Timeout | undefined
  #ended: () => void = () => undefined
  #isOver = false

  constructor(stdin: Readable, inlet: Inlet, options: StreamOptions) {
    this.#stdin = stdin
    this.#inlet = inlet
    this.#options = options
    this.over = new Promise((resolve) => {
      this.#ended = resolve
    })
  }

  async start(): Promise<void> {
    this.#stream = new ByteStream(this.#stdin, this.#inlet, this.#options, () => {
      this.#isOver = true
      this.#ended()
    })
    this.#timer = setInterval(() => this.#stream?.look(), lookMs)
  }

  word(): SourceWord {
    return { state: this.#isOver ? "over" : this.#inlet.isFull ? "full" : "reading" }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stdin.pause()
    this.#stream?.end(false)
    this.#inlet.close()
  }
}

/** Where a server listens. */
export type StreamPlace = { readonly path: string } | { readonly address: HostPort }

/** Connections on a unix socket, or on a TCP port of this machine. */
export class StreamSource implements Source {
  readonly over = new Promise<void>(() => undefined)
  readonly #place: StreamPlace
  readonly #inlet: Inlet
  readonly #options: StreamOptions
  readonly #server: Server
  readonly #streams = new Map<Socket, ByteStream>()
  #timer: NodeJS.Timeout | undefined
  #refused = 0

  constructor(place: StreamPlace, inlet: Inlet, options: StreamOptions) {
    this.#place = place
    this.#inlet = inlet
    this.#options = options
    this.#server = createServer({ allowHalfOpen: false }, (socket) => this.#accept(socket))
  }

  async start(): Promise<void> {
    await openServer(this.#server, this.#place)
    this.#timer = setInterval(() => {
      for (const stream of this.#streams.values()) stream.look()
    }, lookMs)
  }

  #accept(socket: Socket): void {
    if (this.#streams.size >= connectionsMax) {
      this.#refused += 1
      socket.destroy()
      return
    }
    const stream = new ByteStream(socket, this.#inlet, this.#options, () => {
      this.#streams.delete(socket)
    })
    this.#streams.set(socket, stream)
  }

  word(): SourceWord {
    const problem =
      this.#refused === 0
        ? undefined
        : `${this.#refused} connections were refused, ${connectionsMax} are taken at a time`
    return {
      ...{ state: this.#inlet.isFull ? "full" : "reading", problem },
      connections: this.#streams.size,
      places: [placeText(this.#server, this.#place)],
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const [socket, stream] of this.#streams) {
      stream.end(false)
      socket.destroy()
    }
    await closed
    this.#inlet.close()
  }
}

/** Listens. Errors: ADDRESS_IN_USE, BIND_REFUSED; a socket that nobody listens on any more is taken away. */
export async function openServer(server: Server, place: StreamPlace): Promise<void> {
  if ("path" in place) {
    mkdirSync(dirname(place.path), { recursive: true })
    await removeDead(place.path)
  }
  const options: ListenOptions =
    "path" in place ? { path: place.path } : { ...place.address, exclusive: true }
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const code = error.code === "EADDRINUSE" ? "ADDRESS_IN_USE" : "BIND_REFUSED"
      reject(new PosternError(code, error.message, { cause: error }))
    })
    server.listen(options, resolve)
  })
  // Whoever may connect may write: the owner, and the group that the directory gives it.
  if ("path" in place) chmodSync(place.path, 0o660)
}

async function removeDead(path: string): Promise<void> {
  const seen = statSync(path, { throwIfNoEntry: false })
  if (seen === undefined) return
  const isAlive = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on("error", () => resolve(false))
  })
  if (isAlive || !seen.isSocket()) {
    throw new PosternError("ADDRESS_IN_USE", `${path} is there already`)
  }
  rmSync(path)
}

export function placeText(server: Server, place: StreamPlace): string {
  if ("path" in place) return place.path
  const bound = server.address()
  const port = typeof bound === "object" && bound !== null ? bound.port : place.address.port
  return formatHostPort({ host: place.address.host, port })
}
