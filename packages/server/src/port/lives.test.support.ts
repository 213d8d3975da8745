import { basename, join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import type { Changed } from "@postern/log/event"
import { streamDigestNext } from "@postern/log/wire"
import { makePatterns, type WriterGrant } from "../access/index.ts"
import { followLog, LogStore } from "../disk/index.ts"
import { AuditDesk } from "./audit-desk.ts"
import { systemClock } from "./clock.ts"
import { CommitLoop, type SealedValues } from "./commit-loop.ts"
import { newSigner, origin } from "./commits.test.support.ts"
import { startCounters } from "./counters.ts"
import { OwnStream } from "./own-stream.ts"
import { PolicyAtWork } from "./policy-at-work.ts"
import { PortIntake } from "./port-intake.ts"
import { PublishedLog } from "./published-log.ts"
import { createReacknowledger } from "./reacknowledge.ts"
import { Refusals } from "./refusals.ts"
import { rememberRecent } from "./remember-recent.ts"
import {
  RecentIds,
  replaySlot,
  restoreStreams,
  Sequencer,
  type Stream,
  StreamTable,
} from "./sequencer/index.ts"
import { memory, regionOf } from "./sequencer/placing.test.support.ts"
import type { DurableBatch, DurableSlot, SessionPeer, StreamSignature } from "./session/index.ts"
import type { SlotOwner } from "./slot-owner.ts"
import { openStrongroom } from "./strongroom.ts"
import { finishPruning } from "./unfinished-pruning.ts"

export const writer = "spiffe://lives.test/writer/w"
export const peer: SessionPeer = { id: writer, certificate: "00", from: "x:1", session: "s" }
export const signer = await newSigner()

const grant: WriterGrant = {
  id: writer,
  adapters: new Set(["postern", "http"]),
  sources: makePatterns(["*"]),
  actions: makePatterns(["*"]),
  eventsPerSecond: undefined,
  bytesPerSecond: undefined,
  eventBytesMax: 65_535,
  internal: false,
}

export function eventOf(id: string, bytes = 0): Uint8Array {
  const required = { id, time: "2026-11-22T12:00:00Z", source: "app://a", action: "a.b" }
  const rest = { outcome: "success", actor: { type: "user", id: "u" }, targets: [] }
  return encodeUtf8(JSON.stringify({ ...required, ...rest, data: { x: "y".repeat(bytes) } }))
}

/** What a writer gets to know of one of its batches. */
export interface Acknowledged {
  readonly batch: DurableBatch
  readonly changed: Changed
  readonly slot: DurableSlot
  readonly path: readonly Uint8Array[]
}

/** Waits for one batch at a time. */
class Waiting {
  #batch: DurableBatch | undefined
  #resolve: (acknowledged: Acknowledged) => void = () => undefined
  readonly promise = new Promise<Acknowledged>((resolve) => {
    this.#resolve = resolve
  })

  durable(batch: DurableBatch): void {
    this.#batch = batch
  }
  flush(slot: DurableSlot): void {
    const batch = this.#batch
    if (batch === undefined) return
    const path = batch.accepted === 0 ? [] : [...slot.rangePath(batch.first, batch.accepted)]
    this.#resolve({ batch, changed: batch.changed as Changed, slot, path })
  }
  resume = () => undefined
  superseded = () => undefined
}

function openAudits(log: PublishedLog, failures: unknown[]): AuditDesk {
  return new AuditDesk({
    log,
    keys: () => undefined,
    now: () => performance.now(),
    failed: (error) => void failures.push(error),
  })
}

/**
 * One life of the port's driver over a log directory, with segments as short as a test wants them: everything but
 * sockets and configuration.
 */
export async function live(path: string, segmentBytesMax: number) {
  const clock = systemClock()
  const streams = new StreamTable()
  const store = await LogStore.open(
    path,
    origin,
    {
      begin: (start) => restoreStreams(start.state, streams),
      slot: (slot) => replaySlot(slot, streams),
    },
    segmentBytesMax,
  )
  await finishPruning(store)
  const sequencer = new Sequencer<SlotOwner>(memory, store.end)
  const counters = startCounters()
  const fatal: unknown[] = []
  const rooms = { appeared: (): void => undefined }
  const sealed: { room: SealedValues | undefined } = { room: undefined }
  const commits = new CommitLoop(
    {
      ...{ sequencer, store, signer, streams, clock, counters },
      sealed: () => sealed.room,
      roomAppeared: () => rooms.appeared(),
      fatal: (error) => void fatal.push(error),
    },
    new Uint8Array(0),
  )
  const own = new OwnStream(memory, sequencer, clock, origin, () => commits.kick())
  const refusals = new Refusals(own, clock)
  const recentIds = new RecentIds(clock.seed(), memory)
  await rememberRecent(path, store.end.slot, memory, recentIds)
  const { certificate, vkey } = signer
  const acknowledgeAgain = createReacknowledger(path, signer)
  const published = new PublishedLog(() => followLog(path))
  const audits = openAudits(published, fatal)
  const world = { memory, sequencer, streams, own, refusals, commits, clock, counters, audits }
  const asked = { grant: () => grant, renew: () => undefined, acknowledgeAgain }
  const trust = { certificate, vkey, origin, keys: () => undefined, ...asked }
  const places = {
    data: join(path, "..", `${basename(path)}.data`),
    sealing: join(path, "..", `${basename(path)}.sealing`),
  }
  const disclosures = await openStrongroom(places, {
    size: store.end.size,
    ...{ clock, own, tell: () => undefined },
    fatal: (error) => void fatal.push(error),
  })
  sealed.room = disclosures.sealed
  const policy = new PolicyAtWork({
    ...{ memory, clock, own, keys: disclosures },
    fatal: (error) => commits.fail(error),
  })
  const intake = new PortIntake({ ...world, ...trust, disclosures, policy }, recentIds)
  rooms.appeared = () => intake.roomAppeared()

  const end = async (): Promise<void> => {
    await commits.stop()
    audits.close()
    await published.close()
    await disclosures.sealed.close()
    await store.close()
  }
  const log = { policy, disclosures, store, streams, intake, own, commits, fatal }
  return { ...log, audits, published, ...writersOf(intake, commits), end }
}

/** What writers do, each call for one of them. */
function writersOf(intake: PortIntake, commits: CommitLoop) {
  const open = (id: string, who = peer): Promise<Stream> =>
    new Promise((resolve, reject) => {
      intake.openStream(new Waiting(), who, { id }, (found) => {
        if (typeof found === "string") reject(new Error(found))
        else resolve(found)
      })
    })
  const send = (stream: Stream, events: readonly Uint8Array[]): Promise<Acknowledged> => {
    const owner = new Waiting()
    const region = regionOf(events)
    const { next: sequence, digest: previous } = stream
    const digest = streamDigestNext(previous, sequence, events.length, region)
    const batch = { owner, peer, stream, sequence, count: events.length, region, digest }
    const { kind } = intake.offer(batch)
    return kind === "placed" ? owner.promise : Promise.reject(new Error(kind))
  }
  const post = (events: readonly Uint8Array[]) => {
    const owner = new Waiting()
    const region = regionOf(events)
    const more = { changed: 0, tooLarge: [], keptOut: [], adapter: "http" } as const
    const kept = new Set<string>()
    const offered = intake.offerBody({ owner, peer, region, count: events.length, kept, ...more })
    return { offered, durable: new Promise<void>((resolve) => commits.afterDurable(resolve)) }
  }
  const beat = (stream: Stream, signed: StreamSignature, who = peer): Promise<boolean> =>
    new Promise((resolve) => intake.beat(who, stream, signed, resolve))
  const close = (
    stream: Stream,
    signed: StreamSignature | undefined,
    who = peer,
  ): Promise<boolean> => new Promise((resolve) => intake.closeStream(who, stream, signed, resolve))
  const again = (first: number, accepted: number): Promise<DurableSlot> =>
    new Promise((resolve) => {
      intake.acknowledgeAgain(first, accepted, resolve)
    })
  return { open, send, post, beat, close, again }
}
