import { hash, randomBytes } from "node:crypto"
import { join } from "node:path"
import { streamDigestNext } from "@postern/log/wire"
import { dataDirectories, loadConfig } from "../../packages/server/dist/config/index.js"
import { batchKind, LogStore } from "../../packages/server/dist/disk/index.js"
import { CheckpointLoop } from "../../packages/server/dist/port/checkpoint-loop.js"
import { CommitLoop } from "../../packages/server/dist/port/commit-loop.js"
import { startCounters } from "../../packages/server/dist/port/counters.js"
import { openKeys } from "../../packages/server/dist/port/open-keys.js"
import { openStream } from "../../packages/server/dist/port/openings.js"
import { OwnStream } from "../../packages/server/dist/port/own-stream.js"
import {
  layOutMemory,
  type PortMemory,
  Sequencer,
  type Stream,
  StreamTable,
} from "../../packages/server/dist/port/sequencer/index.js"
import { type AuditEvent, auditEvents, type Span, spanMs, together } from "./audit-events.ts"
import { Chooser, type Chosen } from "./chosen.ts"
import { ToldClock } from "./told-clock.ts"

const slotEntries = 1024
const noteEvery = 500_000
const writers = 6

/**
 * Writes the log of a span into the installation in `directory`, as the port would have done in ninety days: its own
 * sequencer, core, commit loop, keys and disk; only clock and writers are ours. No port may run there.
 */
export async function writeLog(
  directory: string,
  span: Span,
  note: (text: string) => void,
): Promise<{ readonly eventBytes: number; readonly chosen: Chosen }> {
  const clock = new ToldClock((span.endMs - spanMs) * 1000)
  const log = await openForWriting(directory, clock)
  const chooser = new Chooser()
  let bytes = 0
  let placed = 0
  let batch: AuditEvent[] = []
  const flush = (): void => {
    const [first] = batch
    if (first === undefined) return
    clock.tell(first.received)
    const apps = batch.filter(({ kind }) => kind === "app")
    log.place(1 + (Math.floor(first.number / together) % writers), apps)
    log.place(
      0,
      batch.filter(({ kind }) => kind === "kubernetes"),
    )
    batch = []
  }
  for (const event of auditEvents(span)) {
    if (event.number % together === 0) flush()
    batch.push(event)
    bytes += event.text.length
    chooser.see(event)
    placed += 1
    if (placed % slotEntries === 0) {
      flush()
      await log.durable()
    }
    if (placed % noteEvery === 0) note(`${placed} of ${span.entries} entries are written`)
  }
  flush()
  await log.close()
  return { eventBytes: bytes / span.entries, chosen: chooser.chosen() }
}

interface OpenedForWriting {
  /** Places events of one stream: 0 is the Kubernetes cluster's. */
  place(stream: number, events: readonly AuditEvent[]): void
  /** Resolves when all that was placed is on disk. */
  durable(): Promise<void>
  /** Signs a checkpoint of everything and lets the directory go. */
  close(): Promise<void>
}

async function openForWriting(directory: string, clock: ToldClock): Promise<OpenedForWriting> {
  const config = loadConfig(join(directory, "postern.yaml"))
  const { origin } = config
  const { signer } = await openKeys(config)
  const streams = new StreamTable()
  const nothing = { begin: () => undefined, slot: () => undefined }
  const store = await LogStore.open(dataDirectories(config).log, origin, nothing)
  const memory = layOutMemory()
  const sequencer = new Sequencer<undefined>(memory, store.end)
  const counters = startCounters()
  const fatal = (error: unknown): never => {
    throw error
  }
  const commits = new CommitLoop(
    {
      ...{ sequencer, store, signer, streams, clock, counters, fatal },
      sealed: () => undefined,
      roomAppeared: () => undefined,
    },
    new Uint8Array(0),
  )
  const own = new OwnStream(memory, sequencer, clock, origin, () => commits.kick())
  const { receiptVkey: receiptKey, certificate } = signer
  const started = { host: "bench", pid: 1, node: process.versions.node, size: 0 }
  const data = { ...started, receiptKey, certificate, access: hash("sha256", "bench") }
  own.record({ action: "postern.started", outcome: "success", data })
  const opened = openStreams({ own, streams }, origin, clock)
  const durable = () => new Promise<void>((resolve) => commits.afterDurable(resolve))
  return {
    place: (stream, events) => {
      if (events.length > 0)
        placeBatch({ memory, sequencer, clock }, opened[stream] as Stream, events)
      commits.kick()
    },
    durable,
    async close() {
      await durable()
      await commits.stop()
      const durableHead = () => commits.head
      await new CheckpointLoop({ store, signer, counters, durableHead, fatal }, -1).publish()
      await store.close()
    },
  }
}

function openStreams(
  log: { readonly own: OwnStream; readonly streams: StreamTable },
  origin: string,
  clock: ToldClock,
): Stream[] {
  const domain = origin.split("/")[0]
  const names = ["cluster-1", ...Array.from({ length: writers }, (_, i) => `app-${i + 1}`)]
  return names.map((name, i) => {
    const id = `spiffe://${domain}/writer/${name}`
    const peer = { id, certificate: hash("sha256", name), from: `10.9.0.${i + 1}`, session: name }
    const stream = { id: randomBytes(16).toString("hex") }
    const opener = { peer, adapter: "postern", framed: true } as const
    return openStream(log, opener, stream, clock.milliseconds())
  })
}

interface Placing {
  readonly memory: PortMemory
  readonly sequencer: Sequencer<undefined>
  readonly clock: ToldClock
}

/** As a session does with a BATCH frame: split, scan, place, and the chain of its stream. */
function placeBatch(
  { memory, sequencer, clock }: Placing,
  stream: Stream,
  events: readonly AuditEvent[],
): void {
  const { core, body, rows, rowsMax } = memory
  const region = regionOf(events)
  core.memory.set(region, body)
  const count = core.split(body, body + region.length, rows, rowsMax)
  if (core.scan(rows, count) > 0) throw new Error("the bench makes events that a port refuses")
  const digest = streamDigestNext(stream.digest, stream.next, count, region)
  const { open, next: sequence } = stream
  const facts = { kind: batchKind.framed, changed: 0, received: clock.microseconds() }
  const seed = clock.seed()
  sequencer.place({
    count,
    open,
    sequence,
    events: count,
    ...facts,
    seed,
    digest,
    owner: undefined,
  })
  stream.next += count
  stream.digest = digest
}

function regionOf(events: readonly AuditEvent[]): Buffer {
  const texts = events.map(({ text }) => text)
  const bytes = texts.reduce((sum, text) => sum + 4 + text.length, 0)
  const region = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const text of texts) {
    region.writeUInt32BE(text.length, at)
    region.write(text, at + 4, "latin1")
    at += 4 + text.length
  }
  return region
}
