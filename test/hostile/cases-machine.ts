import { once } from "node:events"
import {
  appendFileSync,
  chmodSync,
  chownSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:http"
import { connect as connectTcp } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { openNoteSigner } from "../../packages/server/dist/guard/pki/index.js"
import { startProcess } from "../crash/port-process.ts"
import { everyRights, runApart } from "../firewall/namespaces.ts"
import { Entries } from "../support/entries.ts"
import { FramedClient } from "../support/framed-client.ts"
import { ask } from "../support/http-client.ts"
import { askOps } from "../support/ops-client.ts"
import type { PortProcess } from "../support/port-process.ts"
import { until } from "../support/waiting.ts"
import type { Case } from "./case.ts"
import { rawFrame } from "./rows-frames.ts"
import { inYard, metric, type Yard } from "./yard.ts"

const waitMsMax = 30_000

/** So many entries of this action. */
function entries(yard: Yard, action: string, count: number): Promise<true> {
  const look = async (): Promise<true | undefined> => {
    const followed = await Entries.follow(yard.installation.log)
    const all = await followed.all()
    await followed.close()
    return all.filter(({ event }) => event.action === action).length >= count || undefined
  }
  return until(look, waitMsMax, `${count} entries ${action}`)
}

const filesMax = 200
const opsConnectionsMax = 32

/** More connections than there are files: the log still gets those that it needs, a checkpoint a second among them. */
const noFiles: Case["run"] = () =>
  inYard(async (yard) => {
    const port = await yard.start({ under: ["prlimit", `--nofile=${filesMax}:${filesMax}`] })
    const bystander = await yard.enter(port)
    const flood = async (): Promise<string> => {
      const sockets = Array.from({ length: 400 }, () => connectTcp(port.write))
      for (const socket of sockets) socket.on("error", () => undefined) // They are too many.
      const before = await metric(port, "postern_entries_published")
      const later = async (): Promise<true | undefined> =>
        (await metric(port, "postern_entries_published")) > before + 50 || undefined
      await until(later, waitMsMax, "checkpoints")
      for (const socket of sockets) socket.destroy()
      return "published on"
    }
    const { value, fault } = await bystander.beside(flood())
    const ops = await floodOps(port)
    const said = `${value}, ops ${ops}, then ${await yard.post(port)}${fault ?? ""}`
    return { said, left: await yard.left(), note: bystander.describeWaits() }
  })

/** Anybody on the machine may ask the ops plane, and must not be able to take the log's files either. */
async function floodOps({ ops }: PortProcess): Promise<string> {
  const sockets = Array.from({ length: 100 }, () => connectTcp(ops))
  for (const socket of sockets) socket.on("error", () => undefined) // Its close is what counts.
  for (const socket of sockets) socket.resume()
  const isBounded = (): true | undefined =>
    sockets.filter(({ closed }) => closed).length >= 100 - opsConnectionsMax || undefined
  await until(isBounded, waitMsMax, "an end to the connections of the ops plane")
  for (const socket of sockets) socket.destroy()
  return "bounded"
}

/** An hour ahead, an hour behind, and right again: each step is an entry, and time in the log never goes back. */
const clock: Case["run"] = () =>
  inYard(async (yard) => {
    const preload = new URL("clock-shift.ts", import.meta.url).href
    const port = await yard.start({ env: { NODE_OPTIONS: `--import ${preload}` } })
    const bystander = await yard.enter(port)
    const set = async (): Promise<number> => {
      for (let step = 1; step <= 3; step++) {
        process.kill(port.pid, "SIGUSR2")
        await entries(yard, "postern.clock.stepped", step)
      }
      return 3
    }
    const { value, fault } = await bystander.beside(set())
    const followed = await Entries.follow(yard.installation.log)
    const times = (await followed.all()).map(({ stamp }) => stamp.received)
    await followed.close()
    const back = times.filter((time, i) => time < (times[i - 1] ?? 0)).length
    const said = `${value} steps, ${back} back, then ${await yard.post(port)}${fault ?? ""}`
    return { said, left: await yard.left(), note: bystander.describeWaits() }
  })

/** What is wrong with a file of a reload: the old one stays in force, and an entry says so. */
interface BadFile {
  readonly name: string
  readonly entry: "postern.tls.refused" | "postern.access.refused"
  change(text: string, yard: Yard): Promise<string> | string
}

const badFiles: readonly BadFile[] = [
  {
    name: "pki/server.crt",
    entry: "postern.tls.refused",
    change: () => "-----BEGIN CERTIFICATE-----\nnoise\n-----END CERTIFICATE-----\n",
  },
  {
    name: "pki/server.key",
    entry: "postern.tls.refused",
    change: async (_, { installation }) => (await installation.issue("x", "server")).key,
  },
  { name: "pki/ca.crt", entry: "postern.tls.refused", change: () => "" },
  {
    name: "access.yaml",
    entry: "postern.access.refused",
    change: (text) => text.replace('"identities"', "identities: {{{"),
  },
  {
    name: "access.yaml",
    entry: "postern.access.refused",
    change: (text) => text.replaceAll('"writer"', '"emperor"'),
  },
]

const badReload: Case["run"] = () =>
  inYard(async (yard) => {
    const port = await yard.start()
    const bystander = await yard.enter(port)
    const all = async (): Promise<string> => {
      for (const [i, { name, entry, change }] of badFiles.entries()) {
        const file = join(yard.installation.directory, name)
        const text = readFileSync(file, "utf8")
        writeFileSync(file, await change(text, yard))
        port.reload()
        const before = badFiles.slice(0, i).filter((each) => each.entry === entry).length
        await entries(yard, entry, before + 1)
        const said = await yard.post(port)
        writeFileSync(file, text)
        if (said !== "200 1") return `${name}: ${said}`
      }
      return `${badFiles.length} refused`
    }
    const { value, fault } = await bystander.beside(all())
    const said = `${value}, then ${await yard.post(port)}${fault ?? ""}`
    return { said, left: await yard.left(), note: bystander.describeWaits() }
  })

const heapMegabytes = 48
const residentMegabytesMax = 400

/** Asks for answers and takes none, until nothing more goes out. */
async function glut(yard: Yard, port: PortProcess): Promise<FramedClient> {
  const client = await FramedClient.enter(port.write, yard.ca, yard.app)
  client.socket.pause()
  const pings = Buffer.concat(Array.from({ length: 2000 }, () => rawFrame(12, "y".repeat(64))))
  const feed = (): void => {
    while (!client.socket.destroyed && client.socket.write(pings));
  }
  client.socket.on("drain", feed)
  feed()
  return client
}

/** Twenty readers that take nothing, and a small heap: all of them are cut in time, and nobody else. */
const memory: Case["run"] = () =>
  inYard(async (yard) => {
    const env = { NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}` }
    const port = await yard.start({ env })
    const bystander = await yard.enter(port)
    let most = 0
    const gluts = async (): Promise<string> => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => glut(yard, port)))
      const isAlone = async (): Promise<true | undefined> => {
        most = Math.max(most, await metric(port, "postern_process_resident_memory_bytes"))
        return (await metric(port, "postern_connections")) === 1 || undefined
      }
      await until(isAlone, 40_000, "the end of the readers that do not read")
      for (const client of clients) client.destroy()
      return "all cut"
    }
    const { value, fault } = await bystander.beside(gluts())
    const megabytes = Math.round(most / (1 << 20))
    const bounded = megabytes > 0 && megabytes < residentMegabytesMax ? "" : `, ${megabytes} MB`
    const said = `${value}${bounded}, then ${await yard.post(port)}${fault ?? ""}`
    const note = `${megabytes} MB at most; ${bystander.describeWaits()}`
    return { said, left: await yard.left(), note }
  })

/** Private keys and the admin socket's directory, open to others or owned by another. */
const loose: Case["run"] = () =>
  inYard(async (yard) => {
    await (await yard.start()).end("SIGTERM")
    const { directory } = yard.installation
    const state = join(directory, "data", "state", "port")
    const tried: string[] = []
    for (const [what, path, mode] of [
      ["a key", join(directory, "pki", "server.key"), 0o644],
      ["the log key", join(directory, "pki", "log.key"), 0o604],
      ["the admin socket's directory", state, 0o777],
    ] as const) {
      const before = statSync(path).mode
      chmodSync(path, mode)
      tried.push(`${what} ${await yard.refusedStart()}`)
      chmodSync(path, before)
    }
    const { uid, gid } = statSync(state)
    chownSync(state, 65_534, 65_534)
    tried.push(`another owner ${await yard.refusedStart()}`)
    chownSync(state, uid, gid)
    const port = await yard.start()
    return { said: `${tried.join(", ")}, then ${await yard.post(port)}`, left: await yard.left() }
  })

/** A signer of the log's own key, as docs/spec/signer.md has it, that can go away. */
async function openSigner(yard: Yard, socketPath: string) {
  const { directory, vkey } = yard.installation
  const key = readFileSync(join(directory, "pki", "log.key"), "utf8")
  const signer = openNoteSigner(vkey.split("+")[0] ?? "", key)
  const server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += chunk
    const signature = await signer.sign(Buffer.from(JSON.parse(body).text))
    response.end(JSON.stringify({ signature: Buffer.from(signature).toString("base64") }))
  })
  server.listen(socketPath)
  await once(server, "listening")
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
  return { close }
}

/** The keeper of the log key is away at the start, and later; names cannot be resolved at the start, and later. */
const unreachable: Case["run"] = () =>
  inYard(async (yard) => {
    const { configFile, directory, vkey } = yard.installation
    const config = readFileSync(configFile, "utf8")
    const tried: string[] = []
    writeFileSync(configFile, config.replace(/127\.0\.0\.1:0\b/, "nowhere.invalid:0"))
    tried.push(`no name ${await yard.refusedStart()}`)
    const socket = join(directory, "signer.sock")
    writeFileSync(configFile, config.replace(/^ *logKey:.*\n/m, ""))
    appendFileSync(configFile, `\nsigner:\n  socket: ${socket}\n  vkey: ${vkey}\n`)
    tried.push(`no signer ${await yard.refusedStart()}`)
    const signer = await openSigner(yard, socket)
    const port = await yard.start()
    await signer.close()
    const bystander = await yard.enter(port)
    const away = async (): Promise<string> => {
      const isSaid = async (): Promise<true | undefined> =>
        (await askOps(port.ops, "/readyz?verbose")).text.includes("signer: ") || undefined
      await until(isSaid, waitMsMax, "the word about the signer")
      return yard.post(port)
    }
    const { value, fault } = await bystander.beside(away())
    tried.push(`away later ${value}${fault ?? ""}`)
    const back = await openSigner(yard, socket)
    yard.undo.push(back.close)
    const size = await metric(port, "postern_entries_durable")
    const isPublished = async (): Promise<true | undefined> =>
      (await metric(port, "postern_entries_published")) >= size || undefined
    await until(isPublished, waitMsMax, "a checkpoint of what was kept meanwhile")
    return { said: `${tried.join(", ")}, then published`, left: await yard.left() }
  })

/** The read port knows readers only; what it says to others stands in its own messages. */
const readPort: Case["run"] = () =>
  inYard(async (yard) => {
    const port = await yard.start()
    const reader = startProcess("reader", yard.installation.configFile)
    yard.undo.push(() => reader.signal("SIGKILL"))
    await reader.ready
    // It says so on another pipe than that it is ready.
    const isSaid = (): string | undefined => /"listening".*?"(127[^"]*)"/.exec(reader.said())?.[1]
    const place = await until(isSaid, waitMsMax, "the reader's address")
    const [host = "", number] = place.split(":")
    const read = { host, port: Number(number) }
    const get = { method: "GET", path: "/checkpoint" }
    const writer = await ask(read, yard.ca, yard.app, get).then(
      ({ status }) => String(status),
      () => "closed",
    )
    const isTold = (): string | undefined => /"(NOT_GRANTED)"/.exec(reader.said())?.[1]
    const told = await until(isTold, waitMsMax, "the reader's word about it")
    const said = `${writer} ${told}, then ${await yard.post(port)}`
    return { said, left: (await yard.left()).filter((each) => each === "NOT_GRANTED") }
  })

/** Nothing is let through that the port would not refuse itself, and who asks is told that the rules are gone. */
const noFirewall: Case["run"] = async () => {
  const program = fileURLToPath(new URL("firewall-main.ts", import.meta.url))
  const [rights = "this user"] = everyRights()
  return JSON.parse(await runApart(rights, [process.execPath, program]))
}

export const machineCases: readonly Case[] = [
  {
    name: "case: a writer's certificate at the read port",
    input: 38,
    run: readPort,
    expects: "closed NOT_GRANTED, then 200 1",
    leaves: [],
  },
  {
    name: "case: no files left",
    input: 94,
    run: noFiles,
    expects: "published on, ops bounded, then 200 1",
    leaves: ["CONNECTION_LIMIT", "TLS_HANDSHAKE"],
  },
  {
    name: "case: the clock is set",
    input: 97,
    run: clock,
    expects: "3 steps, 0 back, then 200 1",
    leaves: ["postern.clock.stepped"],
  },
  {
    name: "case: a bad reload",
    input: 101,
    run: badReload,
    expects: "5 refused, then 200 1",
    leaves: ["postern.access.refused", "postern.tls.refused"],
  },
  {
    name: "case: little memory, slow readers",
    input: 102,
    run: memory,
    expects: "all cut, then 200 1",
    leaves: ["ANSWERS_UNREAD"],
  },
  {
    name: "case: files open to others",
    input: 103,
    run: loose,
    expects:
      "a key 78 CONFIG_INVALID, the log key 78 CONFIG_INVALID, the admin socket's directory 78 CONFIG_INVALID, another owner 78 CONFIG_INVALID, then 200 1",
    leaves: ["postern.started"],
  },
  {
    name: "case: the firewall is deleted",
    input: 104,
    run: noFirewall,
    expects:
      "doctor within a minute, then 3, in force 0, deleted 3 and shown, a stranger closed, then 200 1",
    leaves: ["TLS_HANDSHAKE"],
  },
  {
    name: "case: names and keys unreachable",
    input: 105,
    run: unreachable,
    expects:
      "no name 78 CONFIG_INVALID, no signer 70 SIGNER_UNAVAILABLE, away later 200 1, then published",
    leaves: ["postern.started"],
  },
]
