/**
 * What compressed and encrypted segments save and cost: `node bench/compressed.ts [FILE]`. Writes a segment below bench, of an application's
 * events or of those in FILE (JSON, one a line, again and again under other ids), and compares its forms: bytes, `verify`, one entry.
 */
import { randomInt, randomUUID } from "node:crypto"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import {
  makeSegmentKeys,
  openSegmentKeys,
  segmentKeyMaker,
} from "../packages/server/dist/disclosures/index.js"
import {
  followLog,
  lendSegmentKeys,
  nodeFiles,
  packedBlockBytes,
  packSegment,
  type SegmentKeyMaker,
  segmentPath,
  storedBytes,
} from "../packages/server/dist/disk/index.js"
import { verifyDirectory } from "../packages/server/dist/guard/verify/index.js"
import { WrittenLog } from "../packages/server/dist/guard/verify/written-log.test.support.js"

const eventBytes = 60_000_000
const slotEvents = 200
const questions = 400
const actions = ["invoice.paid", "invoice.created", "user.login", "document.read", "order.shipped"]

function applicationEvent(i: number): object {
  return {
    id: randomUUID(),
    time: new Date(1_790_000_000_000 + i * 137).toISOString(),
    source: "app://billing",
    action: actions[i % actions.length],
    outcome: i % 17 === 0 ? "failure" : "success",
    actor: { type: "user", id: `u-${randomInt(5000)}`, ip: `10.${i % 7}.${randomInt(256)}.1` },
    targets: [{ type: "invoice", id: `inv-${randomInt(1_000_000)}` }],
    request: { id: randomUUID(), method: "POST", path: "/api/v1/invoices" },
  }
}

/** Events of a file inside envelopes of ours. */
function envelopes(file: string): (i: number) => object {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean)
  return (i) => {
    const data = { ...JSON.parse(lines[i % lines.length] ?? "{}"), auditID: randomUUID() }
    const { id, time, ...rest } = applicationEvent(i) as { id: string; time: string }
    return { ...rest, id, time, request: undefined, targets: [], data }
  }
}

async function fill(log: WrittenLog, eventOf: (i: number) => object): Promise<number> {
  await log.started()
  const stream = log.opened(true)
  let bytes = 0
  for (let made = 0; bytes < eventBytes; made += slotEvents) {
    const events = Array.from({ length: slotEvents }, (_, i) => JSON.stringify(eventOf(made + i)))
    for (const event of events) bytes += event.length
    log.batch(stream, events)
    await log.commit()
  }
  const { size } = log
  await log.roll()
  log.events(stream, 5)
  await log.commit()
  await log.checkpoint()
  return size
}

/** @param path of a log with one sealed segment */
async function measure(path: string, vkey: string, form: string, size: number): Promise<void> {
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    const began = performance.now()
    const { verified } = await verifyDirectory(path, { vkey })
    if (!verified) throw new Error("the log is not sound")
    times.push(performance.now() - began)
  }
  const view = await followLog(path)
  const reads: number[] = []
  for (let i = 0; i < questions; i++) {
    const at = randomInt(size)
    const began = performance.now()
    await view.leaves(at, at + 1)
    reads.push(performance.now() - began)
  }
  await view.close()
  const at = (all: number[], share: number) =>
    all.toSorted((a, b) => a - b)[Math.floor(all.length * share)] ?? 0
  const bytes = await storedBytes(segmentPath(path, 0, "seg"))
  const read = `one entry ${at(reads, 0.5).toFixed(2)} ms, 95 % below ${at(reads, 0.95).toFixed(2)} ms`
  console.log(
    `${form}: ${(bytes / 1e6).toFixed(1)} MB, verify ${at(times, 0.5).toFixed(0)} ms, ${read}`,
  )
}

/** Keys in a directory of their own, which this process opens segments with from now on. */
async function keysIn(directory: string): Promise<SegmentKeyMaker> {
  const sealing = join(directory, "sealing")
  mkdirSync(sealing)
  lendSegmentKeys(openSegmentKeys(sealing))
  return segmentKeyMaker((await makeSegmentKeys(sealing)).current)
}

/** Puts the other form of the sealed segment into the place of the plain one; gives the MB/s of making it and reading it back, and the CPU time of that. */
async function replace(path: string, keys: SegmentKeyMaker | undefined): Promise<string> {
  const [began, before] = [performance.now(), process.cpuUsage()]
  const { plain } = await packSegment(path, 0, nodeFiles, packedBlockBytes, keys)
  const rate = plain / 1000 / (performance.now() - began)
  const { user, system } = process.cpuUsage(before)
  renameSync(`${segmentPath(path, 0, "segz")}.new`, segmentPath(path, 0, "segz"))
  rmSync(segmentPath(path, 0, "seg"))
  return `${rate.toFixed(0)} MB/s, ${((user + system) / 1000).toFixed(0)} ms of CPU`
}

async function main(file: string | undefined): Promise<void> {
  const directory = mkdtempSync(join(import.meta.dirname, ".compressed-"))
  try {
    const log = await WrittenLog.open(directory)
    const size = await fill(log, file === undefined ? applicationEvent : envelopes(file))
    await log.close()
    const { vkey } = log.log
    await measure(log.path, vkey, "plain", size)
    const keys = await keysIn(directory)
    for (const [form, how] of [
      ["compressed", undefined],
      ["encrypted", keys],
      ["compressed again", undefined],
      ["encrypted again", keys],
    ] as const) {
      const path = join(directory, form.replaceAll(" ", "-"))
      cpSync(log.path, path, { recursive: true })
      const rate = await replace(path, how)
      console.log(`${form}: made and read back at ${rate}`)
      await measure(path, vkey, form, size)
      rmSync(path, { recursive: true })
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

await main(process.argv[2])
