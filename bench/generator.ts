/**
 * The writers of one run, in a process of their own so that their CPU is not taken for the server's: `generator.ts TASK`
 * (JSON). Says by IPC what it measured, then ends.
 */
import { loadProfile } from "@postern/client"
import { createBodies } from "./bodies.ts"
import type { Connection, ConnectionWorld } from "./connection.ts"
import { FramedConnection } from "./framed-connection.ts"
import { HttpConnection } from "./http-connection.ts"
import { startPacer } from "./pacer.ts"
import { cpuSeconds, peakRssMb } from "./process-figures.ts"
import { createRegions } from "./regions.ts"
import { Samples } from "./samples.ts"
import { asFast, atIntervals, limited } from "./schedule.ts"
import type { Figures, Task } from "./task.ts"

/** Batches acknowledged so far, and how long those of the window took. */
const samples = new Samples()
let ackedBatches = 0
let measuring = false
let onAcked: () => void = () => undefined

interface Load {
  readonly connections: readonly Connection[]
  /** Mean length of an event. */
  readonly eventBytes: number
}

function createLoad(task: Task): Load {
  const { batch, window, event, protocol } = task
  const numbers = Array.from({ length: task.connections }, (_, number) => number)
  const world = worldOf(task)
  if (protocol === "postern/1") {
    const regions = createRegions(event, batch)
    const bytes = regions.reduce((sum, region) => sum + region.bytes.length - 4 * batch, 0)
    return {
      connections: numbers.map((number) => {
        return new FramedConnection(world(number), { regions, batch, window })
      }),
      eventBytes: bytes / (batch * regions.length),
    }
  }
  const bodies = numbers.map(() => createBodies({ protocol, event, batch }))
  const bytes = bodies[0]?.reduce((sum, body) => sum + body.eventBytes, 0) ?? 0
  return {
    connections: bodies.map((own, number) => {
      return new HttpConnection(world(number), { bodies: own, batch })
    }),
    eventBytes: bytes / (batch * (bodies[0]?.length ?? 1)),
  }
}

function worldOf(task: Task): (number: number) => ConnectionWorld {
  const { certificate: cert, key, ca } = loadProfile(task.profile)
  const tls = { host: "127.0.0.1", port: task.port, ca, cert, key, minVersion: "TLSv1.3" } as const
  const acked = (ms: number): void => {
    ackedBatches += 1
    if (measuring) samples.add(ms)
    onAcked()
  }
  return (number) => ({ number, tls, acked, fail })
}

async function run(task: Task): Promise<Figures> {
  const { connections, eventBytes } = createLoad(task)
  await Promise.all(connections.map((connection) => connection.open()))
  if (task.events !== undefined) await sendAll(task, task.events, connections)
  else begin(task, connections)
  await pause(task.warmMs)
  const before = snapshot(task.pid)
  samples.clear()
  measuring = true
  await pause(task.measureMs)
  measuring = false
  return figuresOf(task, eventBytes, before, snapshot(task.pid))
}

/** Connections take turns at a steady rate, or each sends as fast as it can. */
function begin(task: Task, connections: readonly Connection[]): void {
  const { eventsPerSecond, batch } = task
  if (eventsPerSecond === undefined) {
    for (const connection of connections) connection.start(asFast)
    return
  }
  const intervalMs = (1000 * batch) / eventsPerSecond
  const start = performance.now() + 50
  for (const [i, connection] of connections.entries()) {
    connection.start(atIntervals(start + i * intervalMs, intervalMs * connections.length))
  }
  startPacer(start, intervalMs, () => {
    for (const connection of connections) connection.pump()
  })
}

async function sendAll(
  task: Task,
  events: number,
  connections: readonly Connection[],
): Promise<void> {
  const batches = Math.ceil(events / task.batch)
  const schedule = limited(batches)
  await new Promise<void>((resolve) => {
    onAcked = () => {
      if (ackedBatches === batches) resolve()
    }
    for (const connection of connections) connection.start(schedule)
  })
}

interface Snapshot {
  readonly ms: number
  readonly batches: number
  readonly serverCpu: number
  readonly ownCpu: number
}

function snapshot(pid: number): Snapshot {
  const { user, system } = process.cpuUsage()
  const ownCpu = (user + system) / 1e6
  return { ms: performance.now(), batches: ackedBatches, serverCpu: cpuSeconds(pid), ownCpu }
}

function figuresOf(task: Task, eventBytes: number, before: Snapshot, after: Snapshot): Figures {
  const seconds = (after.ms - before.ms) / 1000
  const events = (after.batches - before.batches) * task.batch
  const serverCpu = after.serverCpu - before.serverCpu
  const [ackP50Ms = NaN, ackP99Ms = NaN, ackP999Ms = NaN] = samples.quantiles(0.5, 0.99, 0.999)
  return {
    eventsPerSecond: events / seconds,
    mbPerSecond: (events * eventBytes) / seconds / 1e6,
    cpuSecondsPerMillion: (serverCpu / events) * 1e6,
    rssMb: peakRssMb(task.pid),
    ackP50Ms,
    ackP99Ms,
    ackP999Ms,
    serverCores: serverCpu / seconds,
    generatorCores: (after.ownCpu - before.ownCpu) / seconds,
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

function fail(error: unknown): void {
  process.stderr.write(`generator: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
}

// Whoever asked is gone.
process.on("disconnect", () => process.exit(1))
run(JSON.parse(process.argv[2] ?? "") as Task).then((figures) => {
  process.send?.(figures, () => process.exit(0))
}, fail)
