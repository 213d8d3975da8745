import { connect as connectRaw } from "node:net"
import { type ConnectionOptions, connect } from "node:tls"
import { frameTypes } from "@postern/log/wire"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createAuthority, issueCertificate } from "../../packages/server/dist/guard/pki/index.js"
import { dataOf, Entries } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import {
  ClientStream,
  FramedClient,
  helloFrame,
  newStreamId,
  openFrame,
} from "../support/framed-client.ts"
import { dialHttp } from "../support/http-client.ts"
import { type Identity, Installation, trustDomain } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { within } from "../support/waiting.ts"

let installation: Installation
let port: PortProcess
let entries: Entries
let neighbour: FramedClient
let stream: ClientStream
let count = 0
const writers: Identity[] = []

beforeAll(async () => {
  installation = await Installation.make()
  const good = await installation.writer("neighbour")
  for (let i = 0; i < 40; i++) writers.push(await installation.writer(`bad-${i}`))
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
  neighbour = await FramedClient.enter(port.write, installation.ca.certificate, good)
  stream = new ClientStream()
  await neighbour.open(0, stream.id)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

/** A writer that nobody has used before, so that its refusals are entries at once. */
function fresh(): Identity {
  const writer = writers[count++]
  if (writer === undefined) throw new Error("there are more rows than writers")
  return writer
}

/** The neighbour's next event is taken, by the same process as ever. */
async function expectServed(pid: number): Promise<void> {
  neighbour.send(stream.batch([eventText()]))
  expect((await neighbour.ack()).batches).toMatchObject([{ accepted: 1 }])
  expect(port.isAlive).toBe(true)
  expect(port.pid).toBe(pid)
}

function raw(type: number, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const head = Buffer.alloc(6)
  head.writeUInt32BE(2 + body.length)
  head.writeUInt8(type, 4)
  return Buffer.concat([head, body])
}

describe("at the door", () => {
  const place = () => ({ host: port.write.host, port: port.write.port })
  const alpn = { ALPNProtocols: ["postern/1"] }

  /** Tries to come in and resolves once it is over. */
  function knock(options: ConnectionOptions): Promise<void> {
    const socket = connect({ ...place(), ca: installation.ca.certificate, ...alpn, ...options })
    socket.on("error", () => undefined)
    socket.resume()
    return within(new Promise((closed) => socket.once("close", () => closed())), 8000, "the end")
  }
  const pair = ({ certificate: cert, key }: { certificate: string; key: string }) => ({ cert, key })

  const rows: [name: string, code: string, () => Promise<void>][] = [
    ["nobody's certificate", "CERTIFICATE_REFUSED", () => knock({})],
    [
      "a certificate of another CA of the same name",
      "CERTIFICATE_REFUSED",
      async () => {
        const now = new Date()
        const authority = await createAuthority({ trustDomain, now })
        const id = `spiffe://${trustDomain}/writer/neighbour`
        await knock(pair(await issueCertificate({ authority, id, usage: "client", now })))
      },
    ],
    [
      "a server's certificate",
      "CERTIFICATE_REFUSED",
      async () => knock(pair(await installation.issue("server", "server"))),
    ],
    [
      "a good one without a grant",
      "NOT_GRANTED",
      async () => knock(pair(await installation.issue("writer/x"))),
    ],
    ["an operator's", "NOT_GRANTED", () => knock(pair(installation.operator))],
    [
      "another protocol",
      "ALPN_REFUSED",
      () => knock({ ...pair(fresh()), ALPNProtocols: ["h2", "postern/2"] }),
    ],
    ["TLS 1.2", "TLS_HANDSHAKE", () => knock({ ...pair(fresh()), maxVersion: "TLSv1.2" })],
    [
      "no TLS at all",
      "TLS_HANDSHAKE",
      () => {
        const socket = connectRaw(place())
        socket.on("error", () => undefined)
        socket.end("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        socket.resume()
        return within(
          new Promise((closed) => socket.once("close", () => closed())),
          8000,
          "the end",
        )
      },
    ],
  ]
  test.each(rows)("%s: %s", async (_, code, attempt) => {
    const { pid } = port
    const { size } = entries.view.head()
    await attempt()
    const entry = await entries.refusal(code, { from: size })
    expect(dataOf(entry)).toMatchObject({ count: expect.any(Number), from: expect.any(String) })
    await expectServed(pid)
  })
})

describe("framed", () => {
  const rows: [name: string, code: string, (client: FramedClient) => void][] = [
    ["frames before HELLO", "FRAME_ORDER", (client) => client.send(openFrame(0, newStreamId()))],
    ["HELLO twice", "FRAME_ORDER", (client) => client.send(helloFrame(), helloFrame())],
    ["an unknown type", "FRAME_TYPE", (client) => client.send(raw(99))],
    [
      "a frame that is the port's",
      "FRAME_TYPE",
      (client) => client.send(helloFrame(), raw(frameTypes.ack)),
    ],
    ["a length of 4 GiB", "FRAME_LENGTH", (client) => client.send(Buffer.alloc(8, 0xff))],
    ["flags", "FRAME_SYNTAX", (client) => client.send(Uint8Array.of(0, 0, 0, 2, 1, 9))],
    [
      "no JSON in HELLO",
      "FRAME_SYNTAX",
      (client) => client.send(raw(frameTypes.hello, Buffer.from("{"))),
    ],
    [
      "half of UTF-8",
      "FRAME_SYNTAX",
      (client) => client.send(raw(frameTypes.hello, Buffer.from([0xc3]))),
    ],
  ]
  test.each(rows)("%s: %s", async (_, code, send) => {
    const { pid } = port
    const writer = fresh()
    const client = await FramedClient.connect(port.write, installation.ca.certificate, writer)
    send(client)
    const { hint, message, ...goaway } = await client.goaway()
    expect(goaway.code).toBe(code)
    expect(hint.length + message.length).toBeGreaterThan(10)
    await client.ended()
    await entries.refusal(code, { writer: writer.id })
    await expectServed(pid)
  })

  const marked = (bytes: readonly number[]) =>
    Buffer.concat([
      Buffer.from(eventText({ reason: { x: "" } }).slice(0, -3)),
      Buffer.from(bytes),
      Buffer.from('"}}'),
    ])
  const events: [name: string, code: string, () => string | Uint8Array][] = [
    ["no JSON", "EVENT_SYNTAX", () => "{'a':1}"],
    ["two documents", "EVENT_SYNTAX", () => `${eventText()}${eventText()}`],
    ["overlong UTF-8", "EVENT_UTF8", () => marked([0xc0, 0x80])],
    ["a surrogate in UTF-8", "EVENT_UTF8", () => marked([0xed, 0xa0, 0x80])],
    [
      "33 levels",
      "EVENT_DEPTH",
      () =>
        eventText()
          .replace("[]", "")
          .replace("{", `{"data":${'{"a":'.repeat(32)}1${"}".repeat(32)},`),
    ],
    ["a key twice", "EVENT_DUPLICATE_KEY", () => eventText().replace("{", '{"op":"a","op":"b",')],
    ["too large", "EVENT_TOO_LARGE", () => eventText({ data: { x: "y".repeat(65_500) } })],
    ["an action of ours", "EVENT_SELF_ACTION", () => eventText({ action: "postern.stopped" })],
    ["another's source", "EVENT_SOURCE_NOT_GRANTED", () => eventText({ source: "other://x" })],
  ]
  test.each(events)("an event with %s: %s, and its neighbours are kept", async (_, code, event) => {
    const { pid } = port
    const writer = fresh()
    const client = await FramedClient.enter(port.write, installation.ca.certificate, writer)
    const own = new ClientStream()
    await client.open(0, own.id)
    client.send(own.batch([eventText(), event(), eventText()]))
    expect(await client.refused()).toMatchObject({ refused: [{ code, positions: [1] }] })
    expect((await client.ack()).batches).toMatchObject([{ events: 3, accepted: 2 }])
    const entry = await entries.refusal(code, { writer: writer.id })
    expect(dataOf(entry)).toMatchObject({ count: 1, stream: own.id, sequences: [[1, 2]] })
    client.destroy()
    await expectServed(pid)
  })
})

describe("a peer that goes away", () => {
  test("in the middle of a frame, or with its side closed, harms nobody", async () => {
    const { pid } = port
    for (const leave of ["end", "destroy"] as const) {
      const client = await FramedClient.enter(port.write, installation.ca.certificate, fresh())
      const own = new ClientStream()
      await client.open(0, own.id)
      client.send(own.batch([eventText()]).subarray(0, 60))
      client.socket[leave]()
      await client.ended()
      await expectServed(pid)
    }
  })

  test("in the middle of a POST leaves an entry and no event", async () => {
    const { pid } = port
    const writer = fresh()
    const socket = await dialHttp(port.write, installation.ca.certificate, writer)
    const body = eventText()
    const head = `POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
    socket.write(`${head}\r\n\r\n${body.slice(0, -1)}`)
    socket.end()
    await entries.refusal("HTTP_TIMEOUT", { writer: writer.id })
    await expectServed(pid)
    const ids = (await entries.all()).map(({ event }) => event.id)
    expect(ids).not.toContain(JSON.parse(body).id)
  })
})
