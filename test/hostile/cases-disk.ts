import { spawnSync } from "node:child_process"
import { copyFileSync, cpSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { LogStore, segmentPath } from "../../packages/server/dist/disk/index.js"
import { makeScratch, removeScratch } from "../crash/cleanup.ts"
import { cutOff, overwrite, readBytes, readSegmentEnd } from "../crash/segment-damage.ts"
import { type Fault, straceCommand, straceMissing } from "../crash/strace.ts"
import { eventText } from "../support/events.ts"
import { ClientStream, FramedClient } from "../support/framed-client.ts"
import { createSmallDisk, sendUntilFull, whyNoSmallDisk } from "../support/small-disk.ts"
import { pause, until, within } from "../support/waiting.ts"
import { configureWitnesses, startCourier, WitnessProcess } from "../support/witness-process.ts"
import type { Case } from "./case.ts"
import { inYard, metric, type Yard } from "./yard.ts"

const endMsMax = 30_000
const seenMsMax = 20_000
const flipsMax = 400

/** A file system of its own, which the machine must be able to mount. */
async function onSmallDisk<T>(
  use: (yard: Yard, disk: ReturnType<typeof createSmallDisk>) => Promise<T>,
): Promise<T> {
  const why = whyNoSmallDisk()
  if (why !== undefined) throw new Error(why)
  const disk = createSmallDisk(24 << 20)
  try {
    return await inYard((yard) => use(yard, disk), disk.path)
  } finally {
    disk.remove()
  }
}

/** Acknowledgements stop, writers over HTTP are told, and the same process goes on once there is room. */
const full: Case["run"] = () =>
  onSmallDisk(async (yard, disk) => {
    const port = await yard.start()
    const client = await FramedClient.enter(port.write, yard.ca, yard.app)
    yard.undo.push(() => client.destroy())
    const stream = new ClientStream()
    await client.open(0, stream.id)
    disk.fill(64 << 10)
    // Each short enough for detectors to look at all of it.
    const notes = Array.from({ length: 4 }, () => "y".repeat(7_500))
    const large = (): string => eventText({ data: { x: notes } })
    const { sent, acked } = await sendUntilFull(port.ops, client, stream, large)
    const told = await yard.post(port)
    disk.free()
    const { batches } = await client.ack()
    const bystander = await yard.enter(port)
    const { value, fault } = await bystander.beside(yard.post(port))
    const waited = sent === acked + 1 && batches[0]?.accepted === 1 ? "waited" : "lost"
    return { said: `${told}, ${waited}, then ${value}${fault ?? ""}`, left: await yard.left() }
  })

/** A call of the kernel fails: the process ends, and what it acknowledged is there for the next one. */
function failing(fault: Omit<Fault, "error"> & { error: string }): Case["run"] {
  return () =>
    inYard(async (yard) => {
      const missing = straceMissing()
      if (missing !== undefined) throw new Error(missing)
      const scratch = makeScratch()
      yard.undo.push(() => removeScratch(scratch))
      const under = straceCommand(fault as Fault, join(scratch, "trace"))
      const port = await yard.start({ under, env: { UV_THREADPOOL_SIZE: "1" } })
      const acknowledged = await yard.postUntilGone(port)
      const code = await within(port.exit, endMsMax, "the end of the port")
      const next = await yard.start()
      const lost = await yard.missing(acknowledged)
      const some = acknowledged.length > 0 ? "" : ", nothing acknowledged before"
      const said = `ended with ${code}, ${lost} lost${some}, then ${await yard.post(next)}`
      return { said, left: await yard.left(), note: `${acknowledged.length} acknowledged` }
    })
}

/** The kernel refuses to write; and a start finds a disk that is mounted read-only. */
const readOnly: Case["run"] = async () => {
  const failed = await failing({ call: "pwrite64", error: "EROFS", first: 20, last: 20 })()
  const start = await onSmallDisk(async (yard, disk) => {
    await (await yard.start()).end("SIGTERM")
    const remount = (mode: string): number | null =>
      spawnSync("mount", ["-o", `remount,${mode}`, disk.path]).status
    if (remount("ro") !== 0) throw new Error("the disk cannot be remounted")
    const refused = await yard.refusedStart()
    remount("rw")
    return `${refused}, then ${await yard.post(await yard.start())}`
  })
  return { ...failed, said: `${failed.said}; a start: ${start}` }
}

/** Three times in the middle of everything. */
const killed: Case["run"] = () =>
  inYard(async (yard) => {
    const acknowledged: string[] = []
    for (let life = 0; life < 3; life++) {
      const port = await yard.start()
      const posting = yard.postUntilGone(port, 8)
      await pause(300 + life * 37)
      await port.end("SIGKILL")
      acknowledged.push(...(await posting))
    }
    const port = await yard.start()
    const lost = await yard.missing(acknowledged)
    const said = `${lost} lost, then ${await yard.post(port)}`
    return { said, left: await yard.left(), note: `${acknowledged.length} acknowledged` }
  })

/** A log with a few slots that nobody holds. */
async function written(yard: Yard): Promise<string> {
  const port = await yard.start()
  for (let i = 0; i < 5; i++) await yard.post(port)
  await port.end("SIGTERM")
  return yard.installation.log
}

/** Opens the log as a port does, and closes it again. */
async function openStore(log: string): Promise<string> {
  const visit = { begin: () => undefined, slot: () => undefined }
  try {
    const store = await LogStore.open(log, "postern.local/audit", visit)
    await store.close()
    return "opened"
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

const torn: Case["run"] = () =>
  inYard(async (yard) => {
    const log = await written(yard)
    const { path, head, slots } = await readSegmentEnd(log)
    const slot = slots.filter(({ at, bytes }) => at + bytes <= head.end).at(-3)
    if (slot === undefined) throw new Error("there are too few slots")
    const bytes = Math.min(slot.recordsBytes, flipsMax)
    const found = new Map<string, number>()
    for (let at = slot.at + 256; at < slot.at + 256 + bytes; at++) {
      const [byte = 0] = readBytes(path, at, 1)
      const undo = overwrite(path, at, Uint8Array.of(byte ^ (1 << (at % 8))))
      const code = await openStore(log)
      undo()
      found.set(code, (found.get(code) ?? 0) + 1)
    }
    const undo = cutOff(path, head.end - 100)
    const cut = await yard.refusedStart()
    undo()
    overwrite(path, head.end, Buffer.alloc(5000, 7)) // The beginning of a slot that was never whole.
    const port = await yard.start()
    const flips = [...found].map(([code]) => code)
    const said = `flips: ${flips}; cut off: ${cut}; torn behind the head: ${await yard.post(port)}`
    return { said, left: await yard.left(), note: `${bytes} bytes flipped, one after the other` }
  })

const exchanged: Case["run"] = () =>
  inYard(async (yard) => {
    const { installation } = yard
    const witness = await WitnessProcess.make(installation.directory, "w", installation.vkey)
    await witness.start()
    yard.undo.push(() => witness.end())
    const log = await written(yard)
    const old = `${log}.old`
    cpSync(log, old, { recursive: true })
    const segment = segmentPath(log, 0, "seg")
    const aside = `${segment}.aside`
    const tried: string[] = []
    const attempt = async (what: string, change: () => unknown): Promise<void> => {
      renameSync(segment, aside)
      await change()
      tried.push(`${what} ${await yard.refusedStart()}`)
      rmSync(segment, { force: true })
      renameSync(aside, segment)
    }
    await attempt("removed", () => undefined)
    const strange = `${segment}.strange`
    await inYard(async (other) =>
      copyFileSync(segmentPath(await written(other), 0, "seg"), strange),
    )
    await attempt("another log's", () => copyFileSync(strange, segment))
    await attempt("a link to another log's", () => symlinkSync(strange, segment))
    // More is written, and seen by the witness; then everything is as it was before.
    configureWitnesses(installation, [witness])
    let courier = await startCourier(installation.configFile)
    const port = await yard.start()
    for (let i = 0; i < 5; i++) await yard.post(port)
    const size = await metric(port, "postern_entries_durable")
    const isSeen = async (): Promise<true | undefined> =>
      (await metric(port, "postern_entries_witnessed")) >= size || undefined
    await until(isSeen, seenMsMax, "the witness")
    await port.end("SIGTERM")
    await courier.end("SIGTERM")
    renameSync(log, `${log}.new`)
    renameSync(old, log)
    courier = await startCourier(installation.configFile)
    yard.undo.push(() => courier.end())
    // A start waits for what the witness knows only so long.
    await courier.ready
    tried.push(`an old copy ${await yard.refusedStart()}`)
    rmSync(log, { recursive: true })
    renameSync(`${log}.new`, log)
    const again = await yard.start()
    return { said: `${tried.join(", ")}, then ${await yard.post(again)}`, left: await yard.left() }
  })

const second: Case["run"] = () =>
  inYard(async (yard) => {
    const port = await yard.start()
    const bystander = await yard.enter(port)
    const { value, fault } = await bystander.beside(yard.refusedStart())
    const said = `${value}, then ${await yard.post(port)}${fault ?? ""}`
    return { said, left: await yard.left(), note: bystander.describeWaits() }
  })

export const diskCases: readonly Case[] = [
  {
    name: "case: a full disk",
    input: 92,
    run: full,
    expects: "503 DISK_FULL, waited, then 200 1",
    leaves: ["DISK_FULL"],
  },
  {
    name: "case: fdatasync fails",
    input: 93,
    run: failing({ call: "fdatasync", error: "EIO", first: 15, last: 15 }),
    expects: "ended with 70, 0 lost, then 200 1",
    leaves: ["postern.started"],
  },
  {
    name: "case: a read-only disk",
    input: 95,
    run: readOnly,
    expects: "ended with 70, 0 lost, then 200 1; a start: 70 DISK_FAILED, then 200 1",
    leaves: ["postern.started"],
  },
  {
    name: "case: kill -9",
    input: 96,
    run: killed,
    expects: "0 lost, then 200 1",
    leaves: ["postern.started"],
  },
  {
    name: "case: a torn log",
    input: 98,
    run: torn,
    expects: "flips: LOG_DAMAGED; cut off: 78 LOG_DAMAGED; torn behind the head: 200 1",
    leaves: ["postern.started"],
  },
  {
    name: "case: an exchanged log",
    input: 99,
    run: exchanged,
    expects:
      "removed 78 LOG_DAMAGED, another log's 78 LOG_DAMAGED, a link to another log's 78 LOG_DAMAGED, an old copy 78 LOG_ROLLED_BACK, then 200 1",
    leaves: ["postern.started"],
  },
  {
    name: "case: two ports, one log",
    input: 100,
    run: second,
    expects: "78 LOG_LOCKED, then 200 1",
    leaves: [],
  },
]
