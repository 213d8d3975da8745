import { connect as connectTcp } from "node:net"
import { connect, type SecureVersion, type TLSSocket } from "node:tls"
import type { ErrorCode } from "@postern/log/base"
import { frameTypes } from "@postern/log/wire"
import { eventText } from "../support/events.ts"
import { helloFrame } from "../support/framed-client.ts"
import { pause, within } from "../support/waiting.ts"
import { sendUrgent, updateKeys } from "./counterparts.ts"
import { dialTls, httpAnswer, sayPlain } from "./dial.ts"
import {
  captureHello,
  extendHello,
  extension,
  formatExtension,
  formatHello,
  serverName,
} from "./hello.ts"
import { httpHead, httpPost } from "./http-text.ts"
import { casesOf, type Ground, problem, type Row, wordlessEnd, works } from "./row.ts"
import { rawFrame } from "./rows-frames.ts"

const code: ErrorCode = "TLS_HANDSHAKE"

/** Bytes that do not become a TLS connection. */
function plain(name: string, bytes: () => string | Uint8Array | Promise<Uint8Array>): Row {
  const act = async (ground: Ground): Promise<string> => sayPlain(ground, await bytes())
  return { name, act, expects: "closed", leaves: [code] }
}

/** The same, after the port's own part of the handshake has been said. */
function answered(row: Row): Row {
  return { ...row, expects: "said 22" }
}

function slow(row: Row): Row {
  return { ...row, isSlow: true }
}

/** The certificate is good; what else is odd, `more` says. */
function dialOwn(ground: Ground, more: Parameters<typeof dialTls>[1]): TLSSocket {
  const { certificate: cert, key } = ground.writer
  return dialTls(ground, { cert, key, ...more })
}

function oldTls(version: SecureVersion): Row {
  const act = ({ ca, call, writer }: Ground): Promise<string> => {
    const { certificate: cert, key } = writer
    const versions = { minVersion: version, maxVersion: version, ciphers: "ALL:@SECLEVEL=0" }
    const socket = connect({ ...call, ca, cert, key, ...versions, ALPNProtocols: ["postern/1"] })
    socket.on("error", () => undefined) // Its close follows and is what counts.
    return wordlessEnd(socket)
  }
  return { name: `TLS ${version.slice(4)}`, act, expects: "closed", leaves: [code] }
}

function protocols(name: string, offered: string[]): Row {
  const act = (ground: Ground): Promise<string> =>
    wordlessEnd(dialOwn(ground, { ALPNProtocols: offered }))
  return { name, act, expects: "closed", leaves: ["ALPN_REFUSED"] }
}

/** A connection that was greeted and is left without a word of TLS. */
async function leaveRaw(ground: Ground, how: "reset" | "end"): Promise<string> {
  const raw = connectTcp(ground.call)
  const socket = dialOwn(ground, { socket: raw, ALPNProtocols: ["postern/1"] })
  socket.write(helloFrame())
  // The port has seen the end of the handshake once it answers.
  const welcome = new Promise((resolve) => socket.once("data", resolve))
  await within(welcome, 10_000, "the port's WELCOME")
  if (how === "reset") raw.resetAndDestroy()
  else raw.end()
  return wordlessEnd(socket)
}

/** One byte every tenth of a second, for longer than a handshake may take. */
async function drip(ground: Ground): Promise<string> {
  const hello = await captureHello()
  const socket = connectTcp(ground.call)
  const end = new Promise<string>((resolve) => {
    socket.on("error", () => undefined) // Its close follows and is what counts.
    socket.once("close", () => resolve("closed"))
  })
  for (const byte of hello.subarray(0, 100)) {
    if (socket.destroyed) break
    socket.write(Uint8Array.of(byte))
    await pause(100)
  }
  return within(end, 10_000, "the end of the connection")
}

/** A ClientHello in the clear, in the middle of a connection: what renegotiation was, and TLS 1.3 has not. */
async function renegotiate(ground: Ground): Promise<string> {
  const raw = connectTcp(ground.call)
  const socket = dialOwn(ground, { socket: raw, ALPNProtocols: ["postern/1"] })
  const ready = new Promise((resolve) => socket.once("secureConnect", resolve))
  await within(ready, 10_000, "the handshake")
  raw.write(await captureHello())
  return wordlessEnd(socket)
}

/** The session of a connection that was good, if it was given one, shown again once its owner is off the list. */
async function resume(ground: Ground): Promise<string> {
  const { installation, writer, reload } = ground
  const sessions: Buffer[] = []
  const first = dialOwn(ground, { ALPNProtocols: ["http/1.1"] })
  first.on("session", (session) => void sessions.push(session))
  first.write(httpPost(eventText()))
  const said = await httpAnswer(first)
  const [given] = sessions
  const session = given === undefined ? {} : { session: given }
  const second = dialOwn(ground, { ...session, ALPNProtocols: ["http/1.1"] })
  second.write(httpPost(eventText()))
  let reused: boolean | undefined
  second.once("secureConnect", () => {
    reused = second.isSessionReused()
  })
  const again = await httpAnswer(second)
  installation.revoke(writer.id)
  await reload()
  const third = dialOwn(ground, { ...session, ALPNProtocols: ["http/1.1"] })
  third.write(httpPost(eventText()))
  return `${said}, ${again}, ${sessions.length} given, resumed ${reused}, then ${await wordlessEnd(third)}`
}

const begun = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])
const request = (): Buffer => httpPost(eventText())
const early = async (): Promise<Buffer> => {
  const more = formatExtension(extension.earlyData, new Uint8Array(0))
  const data = Buffer.concat([Buffer.from([23, 3, 3, 0, 100]), Buffer.alloc(100, 9)])
  return Buffer.concat([extendHello(await captureHello(), more), data])
}

function served(name: string, more: Parameters<typeof dialTls>[1]): Row {
  const act = (ground: Ground): Promise<string> => {
    const socket = dialOwn(ground, more)
    socket.write(request())
    return httpAnswer(socket)
  }
  return works(name, act, "200 accepted 1")
}

const framesWithoutProtocol: Row = {
  name: "frames without ALPN are taken for HTTP",
  act: (ground) => {
    const socket = dialOwn(ground, {})
    socket.write(helloFrame())
    return httpAnswer(socket)
  },
  expects: problem("HTTP_BODY_SYNTAX"),
  leaves: ["HTTP_BODY_SYNTAX"],
}

/** Asks for answers and takes none, until nothing more goes out; what the port does with it. */
async function takeNothing(socket: TLSSocket, questions: Uint8Array): Promise<string> {
  socket.pause()
  const feed = (): void => {
    while (!socket.destroyed && socket.write(questions));
  }
  socket.on("drain", feed)
  feed()
  const end = new Promise<string>((resolve) => socket.once("close", () => resolve("cut")))
  // Its end is seen by what is read only, so something is written on and on.
  const nudge = setInterval(() => socket.destroyed || socket.write(questions), 500)
  return within(end, 40_000, "the end of the connection").finally(() => clearInterval(nudge))
}

const pings = (): Buffer =>
  Buffer.concat(Array.from({ length: 2000 }, () => rawFrame(frameTypes.ping, "y".repeat(64))))
const questions = (): Buffer => Buffer.from(httpHead("GET /v1/events HTTP/1.1").repeat(200))

function deaf(name: string, protocol: string, ask: () => Buffer, also: readonly ErrorCode[]): Row {
  const act = async (ground: Ground): Promise<string> => {
    const socket = dialOwn(ground, { ALPNProtocols: [protocol] })
    await within(new Promise((ready) => socket.once("secureConnect", ready)), 10_000, "TLS")
    if (protocol === "postern/1") socket.write(helloFrame())
    return takeNothing(socket, ask())
  }
  return { name, act, expects: "cut", leaves: ["ANSWERS_UNREAD", ...also], isSlow: true }
}

export const doorRows: readonly Row[] = [
  ...casesOf(1, slow(plain("TCP connect and silence", () => ""))),
  ...casesOf(2, {
    ...slow(plain("a ClientHello, ten bytes a second", () => "")),
    act: drip,
  }),
  ...casesOf(
    3,
    slow(plain("half a ClientHello, then nothing", () => begun)),
    slow(answered(plain("a ClientHello, then nothing", captureHello))),
  ),
  ...casesOf(
    4,
    plain("plaintext HTTP", () => request()),
    plain("SSH", () => "SSH-2.0-OpenSSH_9.9\r\n"),
    plain("syslog", () => "<34>1 2026-11-22T12:00:00Z host su - ID47 - 'su root' failed\n"),
    plain("a frame without TLS", () => helloFrame()),
    plain("64 KiB of 0xff", () => new Uint8Array(65_536).fill(255)),
    plain("a TLS alert first", () => Uint8Array.from([21, 3, 3, 0, 2, 2, 40])),
    plain("a TLS record of 65,535 bytes", () => Uint8Array.from([22, 3, 1, 255, 255, ...begun])),
  ),
  ...casesOf(5, oldTls("TLSv1.2")),
  ...casesOf(6, oldTls("TLSv1"), oldTls("TLSv1.1")),
  ...casesOf(7, protocols("ALPN h2", ["h2"]), protocols("ALPN postern/2", ["postern/2", "spdy/3"])),
  ...casesOf(8, served("no ALPN, and HTTP", {}), framesWithoutProtocol),
  ...casesOf(
    9,
    protocols(
      "1,000 names of ALPN",
      Array.from({ length: 1000 }, (_, i) => `x-${i}`),
    ),
  ),
  ...casesOf(
    10,
    served("SNI of somebody else", {
      servername: "somebody.example",
      checkServerIdentity: () => undefined,
    }),
    plain("SNI with a NUL", () => formatHello([serverName(Buffer.from("a\0b"))])),
    plain("SNI of 256 bytes", () => formatHello([serverName(Buffer.alloc(256, 97))])),
    plain("SNI of 64 KB", () => formatHello([serverName(Buffer.alloc(65_000, 97))])),
  ),
  ...casesOf(
    11,
    works("a reset after WELCOME", (ground) => leaveRaw(ground, "reset"), "closed"),
    works("TCP's end after WELCOME, without TLS's", (ground) => leaveRaw(ground, "end"), "closed"),
  ),
  ...casesOf(
    15,
    works(
      "300 updates of the keys",
      (ground) => updateKeys(ground, 300, String(httpPost(eventText()))),
      "updated, 200 accepted 1",
    ),
  ),
  ...casesOf(
    17,
    works("a ClientHello in the middle of a connection", renegotiate, "closed"),
    slow(answered(plain("early data", early))),
  ),
  ...casesOf(
    18,
    deaf("frames whose answers are not read", "postern/1", pings, []),
    deaf("requests whose answers are not read", "http/1.1", questions, ["HTTP_METHOD"]),
  ),
  ...casesOf(
    19,
    works("an urgent byte of TCP", (ground) => sendUrgent(ground, request()), "200 accepted 1"),
    plain("urgent, and no TLS", () => "!\n"),
  ),
  ...casesOf(20, {
    name: "a session shown again, also after its owner left the list",
    act: resume,
    expects: "200 accepted 1, 200 accepted 1, 0 given, resumed false, then closed",
    leaves: ["NOT_GRANTED"],
  }),
]
