import { encodeUtf8, isPosternError } from "@postern/log/base"
import { streamDigestNext, streamDigestStart } from "@postern/log/wire"
import {
  batchKind,
  type FileSystem,
  findSlot,
  type Head,
  LogStore,
  readLastSigned,
  type SlotPlan,
  slotHeaderBytes,
  splitRecords,
  TreeBuilder,
} from "../../packages/server/dist/disk/index.js"
import { CheckpointLoop } from "../../packages/server/dist/port/checkpoint-loop.js"
import { CommitLoop } from "../../packages/server/dist/port/commit-loop.js"
import { startCounters } from "../../packages/server/dist/port/counters.js"
import { OwnStream } from "../../packages/server/dist/port/own-stream.js"
import {
  advanceStream,
  layOutMemory,
  type PlacedBatch,
  replaySlot,
  restoreStreams,
  Sequencer,
  type Stream,
  StreamTable,
} from "../../packages/server/dist/port/sequencer/index.js"
import type { SlotOwner } from "../../packages/server/dist/port/slot-owner.js"
import { regionOf } from "./batches.ts"
import { openSimulatedSigner, origin } from "./signer.ts"
import type { SimulatedClock } from "./simulated-clock.ts"

/** 48 MiB, used by one life after the other. */
const memory = layOutMemory()

/** What a life tells those who watch it, in the moment in which it would tell its peers. */
export interface Witness {
  planned(plan: SlotPlan): void
  /** The slot is said to be durable, and shown to followers from now on. */
  advanced(head: Head, plan: SlotPlan): void
  acknowledged(placed: PlacedBatch<SlotOwner>): void
  signing(size: number, root: Uint8Array): void
  fatal(error: unknown): void
}

export type PortLife = Awaited<ReturnType<typeof openPortLife>>

/**
 * One life of the port over a simulated disk: the real store, sequencer, streams, commit loop and checkpoint loop, with
 * neither sockets nor configuration.
 */
export async function openPortLife(
  path: string,
  files: FileSystem,
  clock: SimulatedClock,
  segmentBytesMax: number,
  witness: Witness,
) {
  const streams = new StreamTable()
  const visit = {
    begin: (start: { readonly state: unknown }) => restoreStreams(start.state, streams),
    slot: (slot: Parameters<typeof replaySlot>[0]) => replaySlot(slot, streams),
  }
  const opening = LogStore.open(path, origin, visit, segmentBytesMax, files)
  const store = await opening.catch((error) => {
    if (isPosternError(error)) throw error
    throw new Error(`the store says nothing of its own: ${codeOf(error)}`, { cause: error })
  })
  const restored = [...streams.values()].map(({ open, next }) => ({ open, next }))
  const signer = await openSimulatedSigner((size, root) => witness.signing(size, root))
  const receipt = await lastReceipt(path, files, store, signer.signReceipt)
  const alreadySigned = (await readLastSigned(path, files))?.size ?? -1
  const sequencer = new Sequencer<SlotOwner>(memory, store.end)
  const counters = startCounters()
  const watched = watch(store, witness)
  const commits = new CommitLoop(
    {
      ...{ sequencer, store: watched, signer, streams, clock, counters },
      sealed: () => undefined,
      roomAppeared: () => undefined,
      fatal: (error: unknown) => witness.fatal(error),
    },
    receipt,
  )
  const own = new OwnStream(memory, sequencer, clock, origin, () => commits.kick())
  const checkpoints = new CheckpointLoop(
    {
      ...{ store: watched, signer, counters },
      durableHead: () => commits.head,
      fatal: (error: unknown) => witness.fatal(error),
    },
    alreadySigned,
  )
  const { certificate, receiptVkey: receiptKey } = signer
  own.record({ action: "postern.started", outcome: "success", data: { certificate, receiptKey } })

  return {
    ...{ store, streams, restored, commits, checkpoints, sequencer },
    openStream: (id: string) => streams.byId(id) ?? recordOpening(own, streams, commits, id),
    /** False if there is no room for it before the next commit. */
    place(stream: Stream, events: readonly Uint8Array[]): boolean {
      const region = regionOf(events)
      if (!sequencer.fits(events.length, region.length)) return false
      const { core, body, rows, rowsMax } = memory
      core.memory.set(region, body)
      core.split(body, body + region.length, rows, rowsMax)
      const { open, next: sequence } = stream
      const count = events.length
      const placed = sequencer.place({
        ...{ count, events: count, open, sequence, kind: batchKind.framed, changed: 0 },
        ...{ received: clock.microseconds(), seed: clock.seed() },
        digest: streamDigestNext(stream.digest, sequence, count, region),
        owner: ownerOf(witness),
      })
      advanceStream(stream, placed, clock.milliseconds())
      commits.kick()
      return true
    },
    durable: () => new Promise<void>((resolve) => commits.afterDurable(resolve)),
    async end(): Promise<void> {
      own.record({ action: "postern.stopped", outcome: "success", data: {} })
      await new Promise<void>((resolve) => commits.afterDurable(resolve))
      await commits.stop()
      await checkpoints.stop()
      await store.close()
    },
  }
}

function ownerOf(witness: Witness): NonNullable<SlotOwner> {
  return {
    durable: (batch) => witness.acknowledged(batch as PlacedBatch<SlotOwner>),
    flush: () => undefined,
    resume: () => undefined,
    superseded: () => undefined,
  }
}

function recordOpening(
  own: OwnStream,
  streams: StreamTable,
  commits: CommitLoop,
  id: string,
): Stream {
  const writer = "spiffe://simulated.test/writer/w"
  const digest = streamDigestStart(id)
  const stream = { id, writer, framed: true, next: 0, digest, recent: [], lastUsed: 0 }
  let opened: Stream | undefined
  own.record({
    action: "postern.stream.opened",
    outcome: "success",
    data: { stream: id, writer, framed: true },
    placed: (open) => {
      opened = { ...stream, open, durable: undefined, recent: [] }
      streams.add(opened)
    },
  })
  if (opened === undefined)
    throw new Error("an opening entry finds room: nothing else is placed yet")
  const added = opened
  commits.afterDurable(() => {
    added.durable ??= { next: 0, digest }
  })
  return added
}

/** The store, and somebody who sees what is asked of it. */
function watch(store: LogStore, witness: Witness): LogStore {
  let committed: SlotPlan | undefined
  const watched = {
    recoveredHead: () => store.recoveredHead(),
    fits: (bytes: number) => store.fits(bytes),
    headOf: (plan: SlotPlan) => store.headOf(plan),
    roll: (start: Parameters<LogStore["roll"]>[0]) => store.roll(start),
    rememberSigned: (signed: Parameters<LogStore["rememberSigned"]>[0]) =>
      store.rememberSigned(signed),
    publishCheckpoint: (note: string) => store.publishCheckpoint(note),
    async commit(plan: SlotPlan): Promise<void> {
      witness.planned(plan)
      await store.commit(plan)
      committed = plan
    },
    advance(head: Head): void {
      if (committed !== undefined) witness.advanced(head, committed)
      store.advance(head)
    },
  }
  return watched as unknown as LogStore
}

/** Leaves of a planned slot, copied. */
export function leavesOf({ bytes, entries }: SlotPlan): Uint8Array[] {
  const recordsBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(36)
  const leaves = splitRecords(bytes.slice(slotHeaderBytes, slotHeaderBytes + recordsBytes)) ?? []
  if (leaves.length !== entries) throw new Error(`${leaves.length} records of ${entries} entries`)
  return leaves
}

/** The receipt that the next slot has to store: that of the last slot there is. */
async function lastReceipt(
  path: string,
  files: FileSystem,
  store: LogStore,
  sign: (first: number, count: number, root: Uint8Array) => Promise<string>,
): Promise<Uint8Array> {
  const { lastSlot, size } = store.end
  let last: Pick<NonNullable<typeof lastSlot>, "first" | "count" | "root"> | undefined = lastSlot
  if (last === undefined && size > 0) {
    const { header, records } = await findSlot(path, size - 1, files)
    const tree = new TreeBuilder(header.first, new Uint8Array(64 * 32))
    tree.add(records)
    last = { first: header.first, count: header.entries, root: tree.rangeRoot() }
  }
  if (last?.root === undefined) return new Uint8Array(0)
  return encodeUtf8(await sign(last.first, last.count, last.root))
}

export function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error)
}
