import type { TLSSocket } from "node:tls"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { dataOf, Entries, type Indexed } from "../support/entries.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { counted, dialSyslog, hello, reset } from "../support/syslog-client.ts"

let installation: Installation
let host: Identity
let narrow: Identity
let app: Identity
let port: PortProcess
let entries: Entries

beforeAll(async () => {
  installation = (await Installation.make()).keepAll().speakSyslog()
  const grant = { adapters: ["syslog"], sources: ["host://*"] }
  host = await installation.writer("web-1", grant)
  narrow = await installation.writer("narrow", {
    ...{ ...grant, actions: ["syslog.auth"], eventBytes: 600, eventsPerSecond: 50 },
  })
  app = await installation.writer("app")
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  if (port?.isAlive) await port.end("SIGTERM")
  installation?.remove()
})

const dial = (identity = host) => dialSyslog(port.syslog, installation.ca.certificate, identity)

const lineOf = ({ event }: Indexed): unknown => (event.data as { line?: unknown })?.line

/** The entries whose message begins so. */
async function messages(beginning: string): Promise<Indexed[]> {
  return (await entries.all()).filter((entry) => String(lineOf(entry)).startsWith(beginning))
}

/** The connection that it came over. */
function sessionOf(entry: Indexed | undefined): string | undefined {
  return String(entry?.event.id).split(".")[0]
}

function arrives(line: string): Promise<Indexed> {
  return entries.find(line.slice(0, 80), (entry) => lineOf(entry) === line)
}

const entriesNow = async (): Promise<number> => (await entries.all()).length

/** The entry of a loss of this writer, at `from` or after it. */
function lossOf(identity: Identity, from: number): Promise<Indexed> {
  const isIts = (entry: Indexed): boolean =>
    entry.event.action === "postern.loss" && dataOf(entry).writer === identity.id
  return entries.find("postern.loss", isIts, { from })
}

/** By an error or not. */
function closed(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => socket.resume().once("close", () => resolve()))
}

describe("messages", () => {
  test("become entries of their writer, whatever they say of themselves", async () => {
    const socket = await dial()
    const text = `${hello}Accepted publickey for root`
    socket.write(counted(text))
    const { event } = await arrives(text)
    expect(event).toMatchObject({
      ...{ source: "host://web-1", action: "syslog.auth", outcome: "unknown" },
      ...{ time: "2026-11-23T08:00:00Z", data: { format: "syslog", line: text } },
    })
    expect(event.id).toMatch(/^[\w-]{12}\.1$/)
    socket.end()
  })

  test("come by length and by line on one connection, in their order", async () => {
    const socket = await dial()
    const lines = Array.from({ length: 300 }, (_, i) => `${hello}order ${i}`)
    socket.write(lines.map((line, i) => (i % 3 === 0 ? `${line}\n` : counted(line))).join(""))
    await arrives(`${hello}order 299`)
    expect((await messages(`${hello}order`)).map(lineOf)).toEqual(lines)
    socket.end()
  })

  test("come in TLS records of their own, lengths and all", async () => {
    const socket = await dial()
    socket.setNoDelay(true)
    for (const part of counted(`${hello}in pieces`)) {
      socket.write(part)
      await new Promise((turn) => setImmediate(turn))
    }
    await arrives(`${hello}in pieces`)
    socket.end()
  })

  test("that are the same twice are two entries", async () => {
    const socket = await dial()
    const text = counted(`${hello}again`)
    socket.write(text + text)
    socket.end(counted(`${hello}after again`))
    await arrives(`${hello}after again`)
    expect(await messages(`${hello}again`)).toHaveLength(2)
  })

  test("of 64 KiB are kept: what no entry holds goes beside the log", async () => {
    const socket = await dial()
    const large = `<38>${'"'.repeat(65_532)}`
    socket.end(`${counted(large)}${counted(`${hello}after a large one`)}`)
    const after = await arrives(`${hello}after a large one`)
    const [before] = (await entries.all()).filter(({ index }) => index === after.index - 1)
    expect(before?.event).toMatchObject({ _sd: [expect.any(String)], source: "host://web-1" })
    expect(before?.event.data).toBeUndefined()
  })
})

describe("what is not taken", () => {
  test("is counted if it is too large, and its neighbours go on", async () => {
    const socket = await dial(narrow)
    const large = `${hello}${"x".repeat(600)}`
    socket.end(`${counted(`${hello}n1`)}${counted(large)}${large}\n${counted(`${hello}n2`)}`)
    await arrives(`${hello}n2`)
    const refused = await entries.refusal("EVENT_TOO_LARGE", { writer: narrow.id })
    expect(dataOf(refused)).toMatchObject({ writer: narrow.id })
    expect(await messages(`${hello}xx`)).toEqual([])
  })

  test("is refused by name if the grant does not cover its action", async () => {
    const socket = await dial(narrow)
    socket.end(`${counted(hello.replace("38", "13"))}${counted(`${hello}n3`)}`)
    await arrives(`${hello}n3`)
    await entries.refusal("EVENT_ACTION_NOT_GRANTED", { writer: narrow.id })
  })

  test("waits on the wire if it is more than the writer may send a second", async () => {
    const socket = await dial(narrow)
    const lines = Array.from({ length: 200 }, (_, i) => `${hello}fast ${i}`)
    for (const line of lines) socket.write(counted(line))
    await arrives(`${hello}fast 199`)
    expect((await messages(`${hello}fast`)).map(lineOf)).toEqual(lines)
    socket.end()
  })

  test("is a length that nobody can mean: the connection ends, with a loss", async () => {
    const from = await entriesNow()
    const socket = await dial()
    socket.write(`${counted(`${hello}before nonsense`)}99999999999 ${hello}\n`)
    await closed(socket)
    await arrives(`${hello}before nonsense`)
    await entries.refusal("SYSLOG_FRAMING")
    expect(dataOf(await lossOf(host, from))).toMatchObject({
      reason: "SYSLOG_FRAMING",
      number: 1,
      count: 1,
    })
  })
})

describe("who gets in", () => {
  const refusedWith = async (code: string, identity: Identity, alpn?: string[]) => {
    const { certificate } = installation.ca
    const { length: from } = await entries.all()
    const more = alpn === undefined ? {} : { ALPNProtocols: alpn }
    const socket = await dialSyslog(port.syslog, certificate, identity, more).catch(() => undefined)
    if (socket !== undefined && !socket.destroyed) await closed(socket)
    await entries.refusal(code, { from })
  }

  test("has the adapter in the grant", () => refusedWith("ADAPTER_NOT_GRANTED", app))

  test("offers no ALPN: other protocols are for the write port", () =>
    refusedWith("ALPN_REFUSED", host, ["http/1.1"]))

  test("is given no session ticket, which would hide the end of the connection from who never reads", async () => {
    const socket = await dial()
    let tickets = 0
    socket.on("session", () => tickets++)
    socket.write(counted(`${hello}without a ticket`))
    await arrives(`${hello}without a ticket`)
    await closed(socket.end())
    expect(tickets).toBe(0)
  })

  test("stands in the access list", async () => {
    await refusedWith("NOT_GRANTED", await installation.issue("writer/stranger"))
  })

  test("is cut off when the adapter is taken away, with a loss", async () => {
    const gone = await installation.writer("gone", { adapters: ["syslog"], sources: ["host://*"] })
    const unchanged = await entriesNow()
    port.reload()
    await entries.find("the list", ({ event }) => event.action === "postern.access.loaded", {
      from: unchanged,
    })
    const socket = await dial(gone)
    socket.write(counted(`${hello}last word`))
    await arrives(`${hello}last word`)
    const from = await entriesNow()
    installation.grant(gone.id, { adapters: ["http"] })
    port.reload()
    await closed(socket)
    expect(dataOf(await lossOf(gone, from))).toMatchObject({
      reason: "ended by the port",
      number: 1,
    })
  })
})

describe("the end of a connection", () => {
  test("between messages is no loss", async () => {
    const socket = await dial()
    socket.end(counted(`${hello}done`))
    await closed(socket)
    await arrives(`${hello}done`)
    const again = await dial()
    again.end(counted(`${hello}done after`))
    await arrives(`${hello}done after`)
    const session = sessionOf((await messages(`${hello}done`))[0])
    const losses = (await entries.all()).filter(({ event }) => event.action === "postern.loss")
    expect(losses.map((entry) => dataOf(entry).session)).not.toContain(session)
  })

  test("within a message keeps what came of it, and is a loss", async () => {
    const from = await entriesNow()
    const socket = await dial()
    socket.end(`${counted(`${hello}whole`)}100 ${hello}half`)
    const half = await arrives(`${hello}half`)
    expect(dataOf(half)).toMatchObject({ cut: true })
    const { event } = await lossOf(host, from)
    const session = sessionOf(half)
    expect(event).toMatchObject({
      outcome: "unknown",
      targets: [{ type: "writer", id: host.id }],
      data: {
        ...{ writer: host.id, session, number: 2, reason: "ended in a message" },
        ...{ unfinishedBytes: hello.length + 4, adapter: "syslog" },
      },
    })
  })

  test("by a reset is a loss", async () => {
    const socket = await dial()
    socket.write(counted(`${hello}before the reset`))
    await arrives(`${hello}before the reset`)
    const from = await entriesNow()
    reset(socket)
    expect(dataOf(await lossOf(host, from))).toMatchObject({ reason: "reset", number: 1 })
  })
})

test("a port that stops reads its senders to their end, and then says so", async () => {
  const sockets = await Promise.all([1, 2, 3].map(() => dial()))
  const lines: string[] = []
  for (const [i, socket] of sockets.entries()) {
    for (let n = 0; n < 49; n++) {
      lines.push(`${hello}drain ${i} ${n}`)
      socket.write(counted(`${hello}drain ${i} ${n}`))
    }
    // In the middle of a message when the port says goodbye, so that it waits for the rest however slow this process is.
    lines.push(`${hello}drain ${i} 49`)
    const last = counted(`${hello}drain ${i} last`)
    socket.write(counted(`${hello}drain ${i} 49`) + last.slice(0, 20))
    socket.once("end", () => {
      lines.push(`${hello}drain ${i} last`)
      socket.end(last.slice(20))
    })
    socket.resume()
  }
  for (const i of sockets.keys()) await arrives(`${hello}drain ${i} 49`)
  // As syslog-ng does it: never reads, so it does not see that the port ends its side, and says nothing either.
  const deaf = (await dial()).pause()
  deaf.write(counted(`${hello}drain deaf`))
  lines.push(`${hello}drain deaf`)
  await arrives(`${hello}drain deaf`)
  const from = await entriesNow()
  expect(await port.end("SIGTERM")).toBe(0)
  const all = await entries.all()
  expect((await messages(`${hello}drain`)).map(lineOf).sort()).toEqual(lines.sort())
  const after = all.slice(from).map(({ event }) => event.action)
  expect(after).not.toContain("postern.loss")
  expect(after.at(-1)).toBe("postern.stopped")
})
