import { connect as connectTcp } from "node:net"
import type { ConnectionOptions, TLSSocket } from "node:tls"
import type { ErrorCode } from "@postern/log/base"
import { dataOf, Entries, type Indexed } from "../support/entries.ts"
import type { Grant, Identity } from "../support/installation.ts"
import { counted, dialSyslog, hello, reset } from "../support/syslog-client.ts"
import { pause, until, within } from "../support/waiting.ts"
import { sayPlain } from "./dial.ts"
import { casesOf, entriesOf, type Ground, type Row, wordlessEnd } from "./row.ts"

const grant: Grant = { adapters: ["syslog"], sources: ["host://*"] }
const endMsMax = 20_000
/** Longer than a message may take from its first byte. */
const lateMsMax = 45_000

/** What the log has of it: the records as they came, and why connections ended badly. */
interface Left {
  readonly lines: readonly string[]
  readonly losses?: readonly string[]
  readonly leaves?: readonly ErrorCode[]
}

function plane(name: string, act: Row["act"], { lines, losses = [], leaves = [] }: Left): Row {
  const reads = (all: readonly Indexed[], ground: Ground): string | undefined => {
    const kept = entriesOf(all, ground).map((entry) => recordOf(entry))
    const reasons = lossesOf(all, ground)
    if (`${kept}` !== `${lines}`) return `it keeps [${String(kept).slice(0, 300)}]`
    return `${reasons}` === `${losses}` ? undefined : `it says of losses [${reasons}]`
  }
  return { name: `syslog plane: ${name}`, act, expects: "closed", leaves, grant, reads }
}

function lossesOf(all: readonly Indexed[], { writer }: Ground): string[] {
  const lost = all.filter(({ event }) => event.action === "postern.loss").map(dataOf)
  return lost.filter((data) => data.writer === writer.id).map(({ reason }) => String(reason))
}

function recordOf(entry: Indexed): string {
  const { line, bytes } = dataOf(entry)
  return String(line ?? bytes ?? "none")
}

function dial({ syslog, ca, writer }: Ground, identity: Identity = writer): Promise<TLSSocket> {
  return within(dialSyslog(syslog, ca, identity), endMsMax, "the handshake")
}

/** Says all of it, ends, and waits until the port has ended, too. */
function says(...parts: readonly (string | Uint8Array)[]): Row["act"] {
  return async (ground) => {
    const socket = await dial(ground)
    const end = wordlessEnd(socket, endMsMax)
    for (const part of parts) socket.write(part)
    socket.end()
    return await end
  }
}

/** The port ends it. */
function isEnded(ms: number, ...parts: readonly (string | Uint8Array)[]): Row["act"] {
  return async (ground) => {
    const socket = await dial(ground)
    const end = wordlessEnd(socket, ms)
    for (const part of parts) socket.write(part)
    return await end.finally(() => socket.destroy())
  }
}

const text = (what: string): string => `${hello}${what}`
const [before, after] = [text("before"), text("after")]
const mebibyte = 1 << 20
const large = "y".repeat(mebibyte)

const framingRows: readonly Row[] = [
  ...["99999999999", "16777217", "9".repeat(31)].map((count) =>
    plane(
      `a count of ${count.slice(0, 12)}`,
      isEnded(endMsMax, counted(before), `${count} ${after}\n`),
      { lines: [before], losses: ["SYSLOG_FRAMING"], leaves: ["SYSLOG_FRAMING"] },
    ),
  ),
  plane("a count of 40 digits is a line", says(`${"7".repeat(40)} x\n`, counted(after)), {
    lines: [`${"7".repeat(40)} x`, after],
  }),
  plane("a count of 0 is a line", says(`0 ${before}\n`, counted(after)), {
    lines: [`0 ${before}`, after],
  }),
  plane("a line of 17 MiB", isEnded(endMsMax, `${before}\n`, large.repeat(17), `\n${after}\n`), {
    ...{ lines: [before], losses: ["SYSLOG_FRAMING"] },
    leaves: ["EVENT_TOO_LARGE", "SYSLOG_FRAMING"],
  }),
  plane("messages of a megabyte, both ways", says(counted(large), `${large}\n${counted(after)}`), {
    ...{ lines: [after], leaves: ["EVENT_TOO_LARGE"] },
  }),
  plane("100,000 empty lines", says("\r\n".repeat(100_000), "\0".repeat(1000), counted(after)), {
    lines: [after],
  }),
  plane("an HTTP request", says("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), {
    lines: ["GET / HTTP/1.1", "host: x"],
  }),
  plane("no UTF-8, and NUL", says(Buffer.from("3 \xff\xfe\x00", "latin1"), counted("a\0b\nc")), {
    lines: ["//4A", "a\0b\nc"],
  }),
]

/** A byte a TLS record. */
async function drip(ground: Ground): Promise<string> {
  const socket = await dial(ground)
  socket.setNoDelay(true)
  for (const byte of Buffer.from(`${counted(before)}${after}\n`)) {
    socket.write(Uint8Array.of(byte))
    await pause(0)
  }
  const end = wordlessEnd(socket, endMsMax)
  socket.end()
  return await end
}

/** A byte a second, of a message that would go on for longer than a message may. */
async function dripSlowly(ground: Ground): Promise<string> {
  const socket = await dial(ground)
  const end = wordlessEnd(socket, lateMsMax)
  socket.write(`${counted(before)}2000 `)
  const timer = setInterval(() => socket.writable && socket.write("x"), 1000)
  return await end.finally(() => {
    clearInterval(timer)
    socket.destroy()
  })
}

async function resetWithin(ground: Ground): Promise<string> {
  const socket = await dial(ground)
  socket.write(counted(before))
  // What comes in the moment of a reset may go with it.
  const entries = await Entries.follow(ground.installation.log)
  const isKept = async () => entriesOf(await entries.all(), ground).length > 0 || undefined
  await until(isKept, endMsMax, "the entry of the first message").finally(() => entries.close())
  socket.write("100 half")
  const end = wordlessEnd(socket, endMsMax)
  reset(socket)
  return await end
}

const cutRows: readonly Row[] = [
  plane("a byte a TLS record", drip, { lines: [before, after] }),
  plane("the end within a message", says(counted(before), "100 <38>half"), {
    ...{ lines: [before, "<38>half"], losses: ["ended in a message"] },
  }),
  plane("the end within a count", says(counted(before), "10"), {
    ...{ lines: [before, "10"], losses: ["ended in a message"] },
  }),
  {
    ...plane("a reset", resetWithin, { lines: [] }),
    reads: (all: readonly Indexed[], ground: Ground) => {
      const [first] = entriesOf(all, ground).map(recordOf)
      const losses = lossesOf(all, ground)
      return first === before && `${losses}` === "reset" ? undefined : `${first}, lost: ${losses}`
    },
  },
]

const lateRows: readonly Row[] = [
  plane("a count, then nothing", isEnded(lateMsMax, counted(before), "100 "), {
    ...{ lines: [before], losses: ["SYSLOG_TIMEOUT"], leaves: ["SYSLOG_TIMEOUT"] },
  }),
  plane("a line that does not end", isEnded(lateMsMax, `${before}\n<38>half`), {
    ...{ lines: [before, "<38>half"], losses: ["SYSLOG_TIMEOUT"], leaves: ["SYSLOG_TIMEOUT"] },
  }),
  {
    ...plane("a byte a second", dripSlowly, { lines: [], leaves: ["SYSLOG_TIMEOUT"] }),
    reads: (all: readonly Indexed[], ground: Ground) => {
      const kept = entriesOf(all, ground).map(recordOf)
      const isCut = kept.length === 2 && /^x+$/.test(kept[1] ?? "")
      return kept[0] === before && isCut ? undefined : `it keeps [${kept}]`
    },
  },
].map((row) => ({ ...row, isSlow: true as const }))

const tiny = 20_000
/** Connections of one identity: docs/spec/wire.md, Limits. */
const connectionsMax = 128

/** Each that gets in says one message, and a second one at the end. */
async function connectOften(ground: Ground): Promise<string> {
  const sockets: TLSSocket[] = []
  let refused = 0
  for (let i = 0; i < connectionsMax + 12; i++) {
    const socket = await dial(ground)
    // A server may say no after its part of the handshake.
    socket.write(counted(text(`of ${i}`)))
    sockets.push(socket)
  }
  const ends = sockets.map((socket) => {
    if (socket.closed) return Promise.resolve()
    return new Promise<void>((resolve) => socket.resume().once("close", () => resolve()))
  })
  const closed = (): number => sockets.filter(({ destroyed }) => destroyed).length
  for (let i = 0; i < 1_000 && closed() < 12; i++) await pause(20)
  refused = closed()
  for (const socket of sockets) socket.end(counted(text("last")))
  await within(Promise.all(ends), endMsMax, "the end of all connections")
  return `${sockets.length - refused} entered, ${refused} refused`
}

/** As many messages of 64 KiB begun as one identity may have connections: each is promised its room. */
async function beginMany(ground: Ground): Promise<string> {
  const sockets: TLSSocket[] = []
  for (let i = 0; i < connectionsMax - 8; i++) {
    const socket = await dial(ground)
    socket.write(`65536 ${"x".repeat(60_000)}`)
    sockets.push(socket)
  }
  const last = await dial(ground)
  const end = wordlessEnd(last, endMsMax)
  for (const socket of sockets) socket.destroy()
  last.end(counted(after))
  return await end
}

const countOf =
  (count: number) =>
  (all: readonly Indexed[], ground: Ground): string | undefined => {
    const { length } = entriesOf(all, ground)
    return length === count ? undefined : `it keeps ${length} instead of ${count}`
  }

const floodRows: readonly Row[] = [
  {
    ...plane(
      "20,000 messages of one letter",
      says("x\n".repeat(tiny / 2), "1 x".repeat(tiny / 2)),
      {
        lines: [],
      },
    ),
    reads: countOf(tiny),
  },
  {
    ...plane("connections of one writer", connectOften, {
      lines: [],
      leaves: ["CONNECTION_LIMIT"],
    }),
    expects: `${connectionsMax} entered, 12 refused`,
    reads: countOf(2 * connectionsMax),
  },
  {
    ...plane("messages begun on 120 connections", beginMany, { lines: [] }),
    reads: (all: readonly Indexed[], ground: Ground) => {
      const kept = entriesOf(all, ground).map(recordOf)
      return kept.includes(after) ? undefined : `it does not keep what came last of ${kept.length}`
    },
  },
].map((row) => ({ ...row, isFlood: true as const }))

/** Whoever has no business here is closed without a word. */
function turnedAway(name: string, code: ErrorCode, act: Row["act"], own: Grant = grant): Row {
  return { ...plane(name, act, { lines: [], leaves: [code] }), grant: own }
}

function dialAs(
  more: ConnectionOptions & { ALPNProtocols?: string[] },
  identity?: (ground: Ground) => Promise<Identity>,
): Row["act"] {
  return async (ground) => {
    const who = (await identity?.(ground)) ?? ground.writer
    const dialled = dialSyslog(ground.syslog, ground.ca, who, more).catch(() => undefined)
    const socket = await within(dialled, endMsMax, "the handshake")
    if (socket === undefined || socket.destroyed) return "closed"
    const end = wordlessEnd(socket, endMsMax)
    socket.write(counted(before))
    return await end.finally(() => socket.destroy())
  }
}

const doorRows: readonly Row[] = [
  turnedAway("a writer for HTTP", "ADAPTER_NOT_GRANTED", dialAs({}), { adapters: ["http"] }),
  turnedAway("ALPN", "ALPN_REFUSED", dialAs({ ALPNProtocols: ["http/1.1"] })),
  turnedAway(
    "nobody of the list",
    "NOT_GRANTED",
    dialAs({}, ({ installation, writer }) =>
      installation.issue(`writer/stranger-to-${writer.id.split("/").at(-1)}`),
    ),
  ),
  turnedAway("plain text", "TLS_HANDSHAKE", ({ syslog }) =>
    sayPlain({ call: syslog }, `${before}\n`),
  ),
  turnedAway("a connection, then the end", "TLS_HANDSHAKE", async ({ syslog }) => {
    const socket = connectTcp(syslog)
    const end = new Promise<string>((resolve) => socket.once("close", () => resolve("closed")))
    socket.once("connect", () => socket.end())
    socket.resume().on("error", () => undefined) // Its close follows and is what counts.
    return await within(end, endMsMax, "the end of the connection")
  }),
]

/** Whoever can write to some log decides what stands in a message; it is kept, and is no event of the port's own. */
const own = `{"action":"postern.stopped","actor":{"type":"system","id":"port"},"targets":[]}`
const forgedRows: readonly Row[] = [
  plane("an event of the port's own in a message", says(counted(text(own)), counted(after)), {
    lines: [text(own), after],
  }),
]

export const syslogPlaneRows: readonly Row[] = [
  ...casesOf(106, ...framingRows),
  ...casesOf(107, ...cutRows, ...lateRows),
  ...casesOf(108, ...floodRows),
  ...casesOf(109, ...doorRows),
  ...casesOf(115, ...forgedRows),
]
