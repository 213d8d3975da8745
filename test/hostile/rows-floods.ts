import { connect as connectTcp, type Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { eventText } from "../support/events.ts"
import { FramedClient } from "../support/framed-client.ts"
import { ask, dialHttp } from "../support/http-client.ts"
import { pause, within } from "../support/waiting.ts"
import { dialTls, httpAnswer } from "./dial.ts"
import { httpHead } from "./http-text.ts"
import { casesOf, type Ground, type Row } from "./row.ts"

/** Limits of the port that a flood must meet: docs/spec/wire.md, Limits. */
const sessionsPerWriter = 128
const handshakesPerAddress = 256
const bodyBytes = 7 << 20
/** So many bodies of that size go into a writer's share of the credit. */
const bodiesPerWriter = 5

function flood(row: Omit<Row, "isFlood">): Row {
  return { ...row, isFlood: true }
}

/** Resolves at the end of the connection, however it comes. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => undefined) // Its close follows and is what counts.
    socket.once("close", () => resolve())
  })
}

const atOnce = 10_000

/** All of them before any of them is answered; what the port does not want, it closes. */
async function connectAtOnce({ call }: Ground): Promise<string> {
  const sockets: Socket[] = []
  let open = atOnce
  while (sockets.length < atOnce) {
    for (let i = 0; i < 100; i++) {
      const socket = connectTcp(call)
      sockets.push(socket)
      void ended(socket).then(() => {
        open -= 1
      })
    }
    await pause(0) // The other writer is of this process, too.
  }
  // Of those that the kernel has no room for, some believe that they are connected, and hear nothing more.
  for (let i = 0; i < 400 && open > atOnce / 20; i++) await pause(20)
  for (const socket of sockets) socket.destroy()
  return open > atOnce / 2 ? `${open} still open` : "ended"
}

/** Handshakes without a certificate, one after the other in many lanes: each costs the port a signature. */
async function shakeHands(ground: Ground): Promise<string> {
  const end = performance.now() + 2500
  // However slowly this machine shakes hands: more than one address may begin in a second.
  for (let i = 0; i < handshakesPerAddress + 100; i++) {
    const socket = connectTcp(ground.call)
    void ended(socket)
    socket.once("connect", () => socket.destroy())
    if (i % 50 === 0) await pause(0)
  }
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      await within(ended(dialTls(ground, {})), 10_000, "the end of a handshake")
    }
  }
  await Promise.all(Array.from({ length: 32 }, lane))
  return "all ended"
}

/** Connections that say nothing: their address has no more of them, everybody else has. */
async function saySomethingNever(ground: Ground): Promise<string> {
  const { call, ca, writer } = ground
  const silent = Array.from({ length: handshakesPerAddress + 50 }, () => connectTcp(call))
  const ends = silent.map(ended)
  await within(Promise.all(ends.slice(-50)), 10_000, "the end of those that are too many")
  const elsewhere = { host: call.host, port: call.port }
  const { json } = await ask(elsewhere, ca, writer, { body: eventText() })
  await within(Promise.all(ends), 20_000, "the end of all handshakes")
  return `from elsewhere accepted ${json.accepted}`
}

async function openSessions({ call, ca, writer }: Ground): Promise<string> {
  const clients: FramedClient[] = []
  let refused = 0
  for (let i = 0; i < sessionsPerWriter + 12; i++) {
    await FramedClient.enter(call, ca, writer).then(
      (client) => clients.push(client),
      () => {
        refused += 1
      },
    )
  }
  for (const client of clients) client.destroy()
  return `${clients.length} entered, ${refused} refused`
}

/** A body of which all but the last byte is sent. */
async function holdBody(ground: Ground, writer = ground.writer): Promise<TLSSocket> {
  const socket = await dialHttp(ground.call, ground.ca, writer)
  const head = httpHead("POST /v1/events HTTP/1.1", { "content-length": String(bodyBytes + 1) })
  socket.write(head)
  socket.write(Buffer.alloc(bodyBytes, 32))
  return socket
}

const creditLeft = (ground: Ground) => ground.metric("postern_credit_left_bytes")

/** Once all that earlier connections held has come back: when there is not more of it for a second. */
async function settledCredit(ground: Ground): Promise<number> {
  let most = 0
  for (let since = performance.now(); performance.now() - since < 1000; await pause(20)) {
    const left = await creditLeft(ground)
    if (left > most) since = performance.now()
    most = Math.max(most, left)
  }
  return most
}

/** Waits until the port holds so much of them, and says what became of one more. */
async function oneMore(ground: Ground, held: number, writer = ground.writer): Promise<string> {
  const before = await settledCredit(ground)
  const bodies = await Promise.all(Array.from({ length: held }, () => holdBody(ground, writer)))
  const isHeld = async (): Promise<boolean> =>
    (await creditLeft(ground)) <= before - held * bodyBytes
  for (let i = 0; i < 500 && !(await isHeld()); i++) await pause(20)
  const said = await httpAnswer(await holdBody(ground, writer), 20_000)
  held_.push(...bodies)
  return said
}

/** Bodies that are let go at the end of the row. */
const held_: TLSSocket[] = []

async function letGo(ground: Ground): Promise<void> {
  for (const socket of held_.splice(0)) socket.destroy()
  for (let i = 0; i < 500 && (await ground.metric("postern_connections")) > 40; i++) await pause(20)
}

async function fillShare(ground: Ground): Promise<string> {
  const { installation, call, ca, reload } = ground
  const other = await installation.writer("beside-a-full-share")
  await reload()
  try {
    const said = await oneMore(ground, bodiesPerWriter)
    const { json } = await ask(call, ca, other, { body: eventText() })
    return `${said}; another writer: accepted ${json.accepted}`
  } finally {
    await letGo(ground)
  }
}

async function fillPool(ground: Ground): Promise<string> {
  const { installation, call, ca, reload } = ground
  const second = await installation.writer("second-to-fill-the-pool")
  const third = await installation.writer("beside-a-full-pool")
  await reload()
  try {
    await oneMore(ground, bodiesPerWriter)
    const said = await oneMore(ground, 1, second)
    const full = await ask(call, ca, third, { body: `[${" ".repeat(6 << 20)}${eventText()}]` })
    await letGo(ground)
    const { json } = await ask(call, ca, third, { body: eventText() })
    return `${said}; a third ${full.status} ${full.json.code}, afterwards accepted ${json.accepted}`
  } finally {
    await letGo(ground)
  }
}

/** A hundred bodies, a byte each ten times a second. */
async function dripBodies(ground: Ground): Promise<string> {
  const sockets = await Promise.all(
    Array.from({ length: 100 }, () => dialHttp(ground.call, ground.ca, ground.writer)),
  )
  for (const socket of sockets) {
    socket.write(httpHead("POST /v1/events HTTP/1.1", { "content-length": "5000" }))
  }
  for (let i = 0; i < 30; i++) {
    for (const socket of sockets) socket.write(" ")
    await pause(100)
  }
  const open = sockets.filter((socket) => socket.writable).length
  for (const socket of sockets) socket.destroy()
  return `${open} still open`
}

export const floodRows: readonly Row[] = [
  ...casesOf(
    14,
    flood({
      name: "flood: 10,000 connects at once",
      act: connectAtOnce,
      expects: "ended",
      leaves: ["CONNECTION_LIMIT", "TLS_HANDSHAKE"],
    }),
  ),
  flood({
    name: "flood: handshakes from one address",
    act: shakeHands,
    expects: "all ended",
    leaves: ["CERTIFICATE_REFUSED", "CONNECTION_LIMIT", "TLS_HANDSHAKE"],
  }),
  flood({
    name: "flood: silent handshakes from one address",
    act: saySomethingNever,
    expects: "from elsewhere accepted 1",
    leaves: ["CONNECTION_LIMIT", "TLS_HANDSHAKE"],
  }),
  flood({
    name: "flood: sessions of one writer",
    act: openSessions,
    expects: "128 entered, 12 refused",
    leaves: ["CONNECTION_LIMIT"],
  }),
  flood({
    name: "flood: bytes in flight of one writer",
    act: fillShare,
    expects: "503 OVERLOADED; another writer: accepted 1",
    leaves: ["HTTP_TIMEOUT", "OVERLOADED"],
  }),
  flood({
    name: "flood: bytes in flight of all",
    act: fillPool,
    expects: "503 OVERLOADED; a third 503 OVERLOADED, afterwards accepted 1",
    leaves: ["HTTP_TIMEOUT", "OVERLOADED"],
  }),
  flood({
    name: "flood: a hundred slow bodies",
    act: dripBodies,
    expects: "100 still open",
    leaves: ["HTTP_TIMEOUT"],
  }),
]
