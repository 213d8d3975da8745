import { hostname } from "node:os"
import { encodeUtf8 } from "@postern/log/base"
import type { WriterGrant } from "../access/index.ts"
import { type Config, dataDirectories } from "../config/index.ts"
import {
  followLog,
  LogStore,
  type ReadSlot,
  readLastSigned,
  type SegmentStart,
} from "../disk/index.ts"
import { AuditDesk } from "./audit-desk.ts"
import { CommitLoop } from "./commit-loop.ts"
import { type Counters, startCounters } from "./counters.ts"
import { finishErasure } from "./erasing.ts"
import { Errands } from "./errands.ts"
import { expireStreams } from "./expiry.ts"
import { Keeper } from "./keeper/index.ts"
import type { KeyLedger } from "./key-ledger.ts"
import { Losses } from "./losses.ts"
import { openEncryption } from "./open-encryption.ts"
import { erasingWorld } from "./open-erasures.ts"
import { openKeys } from "./open-keys.ts"
import { OwnStream } from "./own-stream.ts"
import { PolicyAtWork } from "./policy-at-work.ts"
import type { PortWorld } from "./port.ts"
import { type IntakeWorld, PortIntake } from "./port-intake.ts"
import { PublishedLog } from "./published-log.ts"
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
import { type Signer, withSignedMemory } from "./signer/index.ts"
import type { SlotOwner } from "./slot-owner.ts"
import { openStrongroom, type Strongroom } from "./strongroom.ts"
import { finishPruning } from "./unfinished-pruning.ts"

/** The log, recovered and open for writing, with everything that hangs on it. */
export interface OpenedLog {
  readonly memory: PortMemory
  readonly store: LogStore
  readonly keeper: Keeper
  readonly signer: Signer
  readonly streams: StreamTable
  readonly own: OwnStream
  readonly refusals: Refusals
  readonly losses: Losses
  readonly commits: CommitLoop
  readonly counters: Counters
  readonly disclosures: Strongroom
  readonly policy: PolicyAtWork
  readonly audits: AuditDesk
  readonly errands: Errands
  readonly published: PublishedLog
  readonly keyLedger: KeyLedger
  /** Every key whose signature stands for this log, the one that signs first. */
  readonly liveKeys: readonly string[]
  /** Every key that ever did. */
  readonly knownKeys: readonly string[]
  readonly signedSize: number
  openIntake(
    grant: (id: string) => WriterGrant | undefined,
    renew: IntakeWorld["renew"],
  ): PortIntake
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
  const encryption = await openEncryption(config, world.tell)
  const keys = await openKeys(config)
  const streams = new StreamTable()
  const store = await recoverStore(directory, config.origin, streams, world)
  const signer = rememberingSigner(config, keys.signer, store.end.size)
  clock.notBefore(store.end.time)
  const acknowledgeAgain = createReacknowledger(directory, signer)
  const memory = layOutMemory()
  const sequencer = new Sequencer<SlotOwner>(memory, store.end)
  const counters = startCounters()
  let roomAppeared = (): void => undefined
  let strongroom: Strongroom | undefined
  const commits = new CommitLoop(
    {
      ...{ sequencer, store, signer, streams, clock, counters },
      roomAppeared: () => roomAppeared(),
      sealed: () => strongroom?.sealed,
      fatal: world.fatal,
    },
    await lastReceipt(store, signer, acknowledgeAgain),
  )
  const own = new OwnStream(memory, sequencer, clock, config.origin, () => commits.kick())
  const [refusals, losses] = [new Refusals(own, clock), new Losses(own, clock)]
  const recentIds = new RecentIds(clock.seed(), memory)
  await rememberRecent(directory, store.end.slot, memory, recentIds)
  recordStart(own, store, signer, accessDigest)
  keys.record(own)
  const { tell, fatal } = world
  const { size } = store.end
  const disclosures = await openStrongroom(config, { size, clock, own, tell, fatal })
  await encryption.announce(own)
  strongroom = disclosures
  await finishErasure(erasingWorld(config, { own, commits, disclosures }), "start")
  const unsealed = (error: unknown): void => commits.fail(error)
  const policy = new PolicyAtWork({ memory, clock, own, keys: disclosures, fatal: unsealed })
  const published = new PublishedLog(() => followLog(directory))
  const keyLedger = keys.ledger
  const audits = openAudits(published, keyLedger, world)
  const { certificate, vkey, origin } = signer
  const parts = {
    ...{ memory, sequencer, streams, own, refusals, losses, commits, counters },
    ...{ disclosures, policy, audits },
  }
  return {
    ...parts,
    ...{ store, signer, published, keyLedger, errands: new Errands(fatal) },
    keeper: new Keeper({ store, sealing: encryption.sealing, tell, fatal }),
    liveKeys: keys.live,
    knownKeys: keys.known,
    signedSize: (await readLastSigned(directory))?.size ?? -1,
    openIntake: (grant, renew) => {
      const asked = { grant, renew, acknowledgeAgain, keys: () => keyLedger.told(0) }
      return new PortIntake({ ...parts, clock, certificate, vkey, origin, ...asked }, recentIds)
    },
    onRoom: (listener) => {
      roomAppeared = listener
    },
    expireStreams: (before, held) => expireStreams(streams, own, before, held),
  }
}

function rememberingSigner({ signedMemory }: Config, signer: Signer, size: number): Signer {
  return signedMemory === undefined ? signer : withSignedMemory(signer, signedMemory, size)
}

function openAudits(log: PublishedLog, ledger: KeyLedger, { tell }: PortWorld): AuditDesk {
  return new AuditDesk({
    log,
    keys: (from) => ledger.told(from),
    now: () => performance.now(),
    failed: (error) => tell("error", "a writer's audit was not answered", { error: `${error}` }),
  })
}

/** Opens the store and brings the streams up to where the log ends. */
async function recoverStore(
  directory: string,
  origin: string,
  streams: StreamTable,
  world: PortWorld,
): Promise<LogStore> {
  let slots = 0
  const visit = {
    begin: (start: SegmentStart) => restoreStreams(start.state, streams),
    slot: (slot: ReadSlot) => {
      replaySlot(slot, streams)
      slots += 1
    },
  }
  const store = await LogStore.open(directory, origin, visit, world.segmentBytesMax)
  await finishPruning(store)
  // A writer that has been silent for long may have been connected all the time: it gets its seven days anew.
  for (const stream of streams.values()) stream.lastUsed = world.clock.milliseconds()
  const { size: entries, segment } = store.end
  world.tell("info", "log recovered", { entries, slots, segment: segment.first })
  return store
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
