/**
 * Writers at a steady rate, in a process of their own: `pace-writer.ts TASK` (JSON). As bench/generator.ts, with the
 * events of this bench: an index that saw the same thousand events again and again would have little to do.
 */
import { hash } from "node:crypto"
import { loadProfile } from "@postern/client"
import { FramedConnection } from "../framed-connection.ts"
import { startPacer } from "../pacer.ts"
import type { Region } from "../regions.ts"
import { Samples } from "../samples.ts"
import { atIntervals } from "../schedule.ts"
import { type AuditEvent, auditEvents } from "./audit-events.ts"

export interface PaceTask {
  readonly port: number
  readonly profile: string
  readonly eventsPerSecond: number
  readonly warmMs: number
  readonly measureMs: number
}

export interface PaceFigures {
  readonly eventsPerSecond: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
}

const connections = 8
const batch = 100
const window = 4096
/** Different events, sent round by round: about 100 MB of this process's memory. */
const events = 200_000

async function run(task: PaceTask): Promise<PaceFigures> {
  const regions = createRegions()
  const samples = new Samples()
  let acked = 0
  let measuring = false
  const { certificate: cert, key, ca } = loadProfile(task.profile)
  const tls = { host: "127.0.0.1", port: task.port, ca, cert, key, minVersion: "TLSv1.3" } as const
  const world = {
    tls,
    fail,
    acked(ms: number): void {
      acked += 1
      if (measuring) samples.add(ms)
    },
  }
  const share = Math.floor(regions.length / connections)
  const writers = Array.from({ length: connections }, (_, number) => {
    const own = regions.slice(number * share, (number + 1) * share)
    return new FramedConnection({ ...world, number }, { regions: own, batch, window })
  })
  await Promise.all(writers.map((writer) => writer.open()))
  const intervalMs = (1000 * batch) / task.eventsPerSecond
  const start = performance.now() + 50
  for (const [i, writer] of writers.entries()) {
    writer.start(atIntervals(start + i * intervalMs, intervalMs * connections))
  }
  startPacer(start, intervalMs, () => {
    for (const writer of writers) writer.pump()
  })
  await pause(task.warmMs)
  const before = acked
  const began = performance.now()
  measuring = true
  await pause(task.measureMs)
  measuring = false
  const seconds = (performance.now() - began) / 1000
  const [ackP50Ms = NaN, ackP99Ms = NaN] = samples.quantiles(0.5, 0.99)
  return { eventsPerSecond: ((acked - before) * batch) / seconds, ackP50Ms, ackP99Ms }
}

function createRegions(): Region[] {
  const regions: Region[] = []
  let texts: AuditEvent[] = []
  for (const event of auditEvents({ entries: events, endMs: Date.now() })) {
    texts.push(event)
    if (texts.length < batch) continue
    const bytes = Buffer.concat(
      texts.map(({ text }) => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(text.length)
        return Buffer.concat([length, Buffer.from(text)])
      }),
    )
    regions.push({ bytes, digest: hash("sha256", bytes, "buffer") })
    texts = []
  }
  return regions
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

function fail(error: unknown): never {
  process.stderr.write(`pace-writer: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
}

// Whoever asked is gone.
process.on("disconnect", () => process.exit(1))
run(JSON.parse(process.argv[2] ?? "") as PaceTask).then(
  (result) => process.send?.({ result }, () => process.exit(0)),
  fail,
)
