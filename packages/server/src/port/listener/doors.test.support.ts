import { connect, createServer, type Server, type Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { type ErrorCode, limits, PosternError } from "@postern/log/base"
import type { Deadline, Deadlines, Peer } from "../../acceptor/index.ts"
import { adapters, makePatterns, type WriterGrant } from "../../access/index.ts"
import { memory } from "../sequencer/placing.test.support.ts"
import {
  type BatchOwner,
  type BodyOffered,
  CreditPool,
  type OfferedBody,
} from "../session/index.ts"
import { HttpDoor } from "./index.ts"

export const peer: Peer = {
  ...{ id: "spiffe://door.test/writer/w", certificate: "00", key: "00", serial: "1" },
  ...{ notAfter: new Date(0), from: "192.0.2.1:1", protocol: "postern/1" },
}

/** Deadlines whose time passes when a test says so. */
export class ManualDeadlines implements Deadlines {
  #now = 0
  readonly #pending = new Map<object, { due: number; readonly ms: number; expire(): void }>()

  set<Owner>(owner: Owner, ms: number, onExpired: (owner: Owner) => void): Deadline {
    const key = {}
    const entry = { due: this.#now + ms, ms, expire: () => onExpired(owner) }
    this.#pending.set(key, entry)
    return {
      touch: () => {
        entry.due = this.#now + entry.ms
      },
      clear: () => this.#pending.delete(key),
    }
  }

  count(): number {
    return this.#pending.size
  }

  close(): void {
    this.#pending.clear()
  }

  pass(ms: number): void {
    this.#now += ms
    for (const [key, entry] of this.#pending) {
      if (entry.due > this.#now) continue
      this.#pending.delete(key)
      entry.expire()
    }
  }
}

const servers: Server[] = []
const sockets: Socket[] = []

export async function closeAll(): Promise<void> {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed))
}

/** Two ends of a connection: the port's, which stands for the TLS socket, and the peer's. */
export async function connectPair(): Promise<{ port: TLSSocket; far: Socket }> {
  const server = createServer({ noDelay: true })
  servers.push(server)
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve))
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const address = server.address()
  const far = connect({
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    host: "127.0.0.1",
  })
  far.on("error", () => undefined) // Its close is what counts.
  const port = (await accepted) as TLSSocket
  port.on("error", () => undefined)
  sockets.push(far, port)
  return { port, far }
}

/** Resolves when the condition holds; asked in every turn of the loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((wake) => setImmediate(wake))
}

/** Resolves once so many bytes in all have come to the port's end. */
export function arrived(port: Socket, bytes: number): Promise<void> {
  return until(() => port.bytesRead >= bytes)
}

/** Resolves when the socket is closed, by an error or not. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()))
}

/** What comes to the peer, as text, and when it is over. */
export function listen(far: Socket) {
  let text = ""
  const over = closed(far)
  far.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1")
  })
  far.once("end", () => far.end())
  return {
    text: () => text,
    comes: (part: string) => until(() => text.includes(part)).then(() => text),
    over: () => over.then(() => text),
  }
}

export function grantOf(some: Partial<WriterGrant> = {}): WriterGrant {
  return {
    id: peer.id,
    adapters: new Set(adapters),
    sources: makePatterns(["app://*"]),
    actions: makePatterns(["*"]),
    eventsPerSecond: undefined,
    bytesPerSecond: undefined,
    eventBytesMax: limits.entryBytesMax,
    internal: false,
    ...some,
  }
}

/**
 * An HTTP door over an intake that takes everything, with all that was said to it.
 * @param headerMs by the system's clock, unlike all other deadlines
 */
export function openHttpDoor(headerMs = 10_000) {
  const deadlines = new ManualDeadlines()
  const pool = new CreditPool()
  const refused: { code: ErrorCode; detail: string | undefined }[] = []
  const bodies: OfferedBody[] = []
  const rooms: BatchOwner[] = []
  const durable: (() => void)[] = []
  const waits: { readonly indexes: readonly number[]; readonly withinMs: number }[] = []
  /** What is answered: the grant, why the port takes nothing, what the intake says; `slow` keeps the disk back. */
  const world = {
    grant: grantOf() as WriterGrant | undefined,
    busy: undefined as ErrorCode | undefined,
    offers: [] as BodyOffered[],
    slow: false,
    mayGrow: false,
    /** Why no certificate is given. */
    renewal: undefined as PosternError | undefined,
    published: undefined as { checkpoint: string; path: string[] } | undefined,
  }
  const door = new HttpDoor({
    ...{ memory, pool, deadlines, certificate: "certificate", headerMs },
    grant: () => world.grant,
    busy: () => world.busy,
    mayGrow: () => world.mayGrow,
    refused: (_, code, { detail }) => void refused.push({ code, detail }),
    now: () => new Date(0),
    eventId: () => "made-id",
    sessionName: () => "session",
    published: async (indexes, withinMs) => {
      waits.push({ indexes, withinMs })
      return world.published
    },
    audit: async (_, question) => ({ asked: question }),
    renew: async (who, request) => {
      if (world.renewal instanceof PosternError) throw world.renewal
      return `${who.id} ${Buffer.from(request).toString("hex")}`
    },
    disclose: (_, item, name) => ({ json: item, digest: `${name}-`.padEnd(43, "x") }),
    keepOut: async ({ keptOut }) =>
      new Set(keptOut.flatMap(({ values }) => values.map(({ digest }) => digest))),
    offerBody(body) {
      bodies.push(body)
      const { count: accepted } = body
      return (
        world.offers.shift() ?? {
          ...{ kind: "placed", first: 7, accepted },
          ...{ refused: [], altered: [], duplicates: [] },
        }
      )
    },
    whenRoom: (owner) => void rooms.push(owner),
    afterDurable: (callback) =>
      world.slow ? void durable.push(callback) : queueMicrotask(callback),
  })
  const enter = async () => {
    const { port, far } = await connectPair()
    door.serve(port, peer)
    return { port, far, ...listen(far) }
  }
  return { door, deadlines, pool, refused, bodies, rooms, durable, waits, world, enter }
}

export const event = JSON.stringify({
  ...{ action: "a.b", actor: { type: "user", id: "u" }, targets: [] },
})

export function post(body: string, headers: readonly string[] = [], path = "/v1/events"): string {
  const head = [`POST ${path} HTTP/1.1`, "host: port", "content-type: application/json", ...headers]
  return `${head.join("\r\n")}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** The JSON of the last answer in a text of HTTP. */
export function lastJson(text: string): Record<string, unknown> {
  return JSON.parse(text.slice(text.lastIndexOf("\r\n\r\n") + 4)) as Record<string, unknown>
}
