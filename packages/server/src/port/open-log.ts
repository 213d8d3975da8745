import { mkdirSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import type { WriterGrant } from "../access/index.ts"
import { type Config, dataDirectories, readSecretFile } from "../config/index.ts"
import { LogStore, readLastSigned, replaceFile } from "../disk/index.ts"
import { CommitLoop } from "./commit-loop.ts"
import { type Counters, startCounters } from "./counters.ts"
import { OwnStream } from "./own-stream.ts"
import type { PortWorld } from "./port.ts"
import { PortIntake } from "./port-intake.ts"
import { createReacknowledger, type Reacknowledge } from "./reacknowledge.ts"
import { Refusals } from "./refusals.ts"
import { rememberRecent } from "./remember-recent.ts"
import {
  layOutMemory,
  type PortMemory,
  RecentIds,
  replaySlot,
  restoreStreams,
  Sequencer,
  type Stream,
  StreamTable,
} from "./sequencer/index.ts"
import { openSigner, type Signer } from "./signer/index.ts"
import type { SlotOwner } from "./slot-owner.ts"

/** The log, recovered and open for writing, with everything that hangs on it. */
export interface OpenedLog {
  readonly memory: PortMemory
  readonly store: LogStore
  readonly signer: Signer
  readonly streams: StreamTable
  readonly own: OwnStream
  readonly refusals: Refusals
  readonly commits: CommitLoop
  readonly counters: Counters
  readonly signedSize: number
  openIntake(grant: (id: string) => WriterGrant | undefined): PortIntake
  onRoom(listener: () => void): void
  /** Closes framed streams that were last used before this time (milliseconds) and that no session holds. */
  expireStreams(before: number, held: (stream: Stream) => boolean): void
}

/** Recovers the log, then writes `postern.started`, the first entry of this life. */
export async function openLog(
  config: Config,
  world: PortWorld,
  accessDigest: string,
): Promise<OpenedLog> {
  const { clock } = world
  const directory = dataDirectories(config).log
  const { logKey, receiptKey } = config.pki
  const signer = await openSigner(config.origin, readSecretFile(logKey), readSecretFile(receiptKey))
  await publishVkey(dataDirectories(config).portState, signer.vkey)
  const streams = new StreamTable()
  const store = await recoverStore(directory, config.origin, streams, world)
  clock.notBefore(store.end.time)
  const acknowledgeAgain = createReacknowledger(directory, signer)
  const memory = layOutMemory()
  const sequencer = new Sequencer<SlotOwner>(memory, store.end)
  const counters = startCounters()
  let roomAppeared = (): void => undefined
  const commits = new CommitLoop(
    {
      sequencer,
      store,
      signer,
      streams,
      clock,
      counters,
      roomAppeared: () => roomAppeared(),
      fatal: world.fatal,
    },
    await lastReceipt(store, signer, acknowledgeAgain),
  )
  const own = new OwnStream(memory, sequencer, clock, config.origin, () => commits.kick())
  const refusals = new Refusals(own, clock)
  const recentIds = new RecentIds(clock.seed())
  await rememberRecent(directory, store.end.slot, memory, recentIds)
  recordStart(own, store, signer, accessDigest)
  const { certificate, vkey, origin } = signer
  return {
    memory,
    store,
    signer,
    streams,
    own,
    refusals,
    commits,
    counters,
    signedSize: (await readLastSigned(directory))?.size ?? -1,
    openIntake: (grant) => {
      const world = { memory, sequencer, streams, own, refusals, commits, clock, counters }
      return new PortIntake(
        { ...world, certificate, vkey, origin, grant, acknowledgeAgain },
        recentIds,
      )
    },
    onRoom: (listener) => {
      roomAppeared = listener
    },
    expireStreams: (before, held) => expireStreams(streams, own, before, held),
  }
}

/** Opens the store and brings the streams up to where the log ends. */
async function recoverStore(
  directory: string,
  origin: string,
  streams: StreamTable,
  world: PortWorld,
): Promise<LogStore> {
  let slots = 0
  const store = await LogStore.open(directory, origin, {
    begin: (start) => restoreStreams(start.state, streams),
    slot: (slot) => {
      replaySlot(slot, streams)
      slots += 1
    },
  })
  // A writer that has been silent for long may have been connected all the time: it gets its seven days anew.
  for (const stream of streams.values()) stream.lastUsed = world.clock.milliseconds()
  const { size: entries, segment } = store.end
  world.tell("info", "log recovered", { entries, slots, segment: segment.first })
  return store
}

/** For the other processes of this installation, which have no business with the keys. */
async function publishVkey(directory: string, vkey: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  await replaceFile(join(directory, "vkey"), `${vkey}\n`)
}

function recordStart(own: OwnStream, store: LogStore, signer: Signer, access: string): void {
  own.record({
    action: "postern.started",
    outcome: "success",
    data: {
      host: hostname(),
      pid: process.pid,
      node: process.versions.node,
      size: store.end.size,
      receiptKey: signer.receiptVkey,
      certificate: signer.certificate,
      access,
      clock: "system",
    },
  })
}

/**
 * The receipt of the last life's last slot: signed again (Ed25519 is deterministic) and stored with the next slot. If
 * the newest segment has no slot yet, that slot ends the segment before.
 */
async function lastReceipt(
  store: LogStore,
  signer: Signer,
  acknowledgeAgain: Reacknowledge,
): Promise<Uint8Array> {
  const { lastSlot, size } = store.end
  if (lastSlot === undefined && size > 0) return (await acknowledgeAgain(size - 1, 1)).note
  if (lastSlot?.root === undefined) return new Uint8Array(0)
  return encodeUtf8(await signer.signReceipt(lastSlot.first, lastSlot.count, lastSlot.root))
}

function expireStreams(
  streams: StreamTable,
  own: OwnStream,
  before: number,
  held: (stream: Stream) => boolean,
): void {
  for (const stream of streams.values()) {
    if (!stream.framed || stream.lastUsed >= before || held(stream)) continue
    const { id, writer, open, next } = stream
    own.record({
      action: "postern.stream.closed",
      outcome: "success",
      targets: [{ type: "writer", id: writer }],
      data: { stream: id, writer, open, next, reason: "unused for seven days" },
    })
    streams.remove(stream)
  }
}
