import { randomBytes } from "node:crypto"
import { type ErrorCode, PosternError } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import type { AuditAnswer, AuditQuestion, Doubt, RenewalAnswer } from "@postern/log/wire"
import type { Adapter, WriterGrant } from "../access/index.ts"
import { batchKind } from "../disk/index.ts"
import type { AuditDesk } from "./audit-desk.ts"
import { BatchesBeside } from "./batches-beside.ts"
import { BodyIntake } from "./body-intake.ts"
import type { Clock } from "./clock.ts"
import type { CommitLoop } from "./commit-loop.ts"
import type { Counters } from "./counters.ts"
import { Doubts } from "./doubts.ts"
import { LargeValues } from "./large-values.ts"
import { openStream } from "./openings.ts"
import type { OwnStream } from "./own-stream.ts"
import type { PolicyAtWork } from "./policy-at-work.ts"
import { Reception } from "./reception.ts"
import type { Refusals } from "./refusals.ts"
import {
  advanceOverGap,
  advanceStream,
  type PortMemory,
  type RecentIds,
  type Sequencer,
  type Stream,
  type StreamTable,
} from "./sequencer/index.ts"
import type {
  BatchOwner,
  BodyOffered,
  DeclaredGap,
  DurableSlot,
  Intake,
  Offered,
  OfferedBatch,
  OfferedBody,
  RefusedDetail,
  SessionPeer,
  StreamSignature,
  WantedStream,
} from "./session/index.ts"
import type { SlotOwner } from "./slot-owner.ts"
import type { Strongroom } from "./strongroom.ts"
import { type Signed, Testimony } from "./testimony.ts"

export interface IntakeWorld {
  readonly memory: PortMemory
  readonly sequencer: Sequencer<SlotOwner>
  readonly streams: StreamTable
  readonly own: OwnStream
  readonly refusals: Refusals
  readonly commits: CommitLoop
  readonly audits: AuditDesk
  readonly clock: Clock
  readonly counters: Counters
  readonly disclosures: Strongroom
  readonly policy: PolicyAtWork
  readonly certificate: string
  readonly vkey: string
  readonly origin: string
  keys(): string | undefined
  grant(id: string): WriterGrant | undefined
  readonly renew: Intake["renew"]
  acknowledgeAgain(first: number, accepted: number): Promise<DurableSlot>
}

/**
 * Where every batch comes in, whatever it came through: grant, rate, strict scan, place in the open slot. The caller
 * is told at once what is refused, and when the slot is durable through its BatchOwner.
 */
export class PortIntake implements Intake {
  readonly #world: IntakeWorld
  readonly #reception: Reception
  readonly #bodies: BodyIntake
  readonly #large: LargeValues
  readonly #beside: BatchesBeside
  readonly #testimony: Testimony
  readonly #doubts: Doubts
  readonly #sessionOf = new Map<Stream, BatchOwner>()
  /** Whose sessions are over: what they wait for comes to nothing. */
  readonly #gone = new WeakSet<BatchOwner>()
  readonly #waiting = new Set<BatchOwner>()

  constructor(world: IntakeWorld, recentIds: RecentIds) {
    this.#world = world
    this.#reception = new Reception(world)
    const { policy, disclosures, commits } = world
    this.#large = new LargeValues({ policy, disclosures })
    this.#bodies = new BodyIntake(world, this.#reception, recentIds, this.#large)
    const fatal = (error: unknown): void => commits.fail(error)
    this.#beside = new BatchesBeside({ policy, disclosures, large: this.#large, fatal })
    this.#doubts = new Doubts(world.own)
    this.#testimony = new Testimony({
      ...{ origin: world.origin, own: world.own, now: () => this.now() },
      whenRoom: (callback) => this.#whenRoomForOwn(callback),
      fatal,
    })
  }

  get origin(): string {
    return this.#world.origin
  }
  get certificate(): string {
    return this.#world.certificate
  }
  get vkey(): string {
    return this.#world.vkey
  }
  get keys(): string | undefined {
    return this.#world.keys()
  }
  now(): number {
    return this.#world.clock.milliseconds()
  }

  offer(batch: OfferedBatch): Offered {
    const { peer, stream, sequence, count, region } = batch
    const grant = this.#world.grant(peer.id)
    if (grant === undefined) return { kind: "refused", code: "NOT_GRANTED" }
    if (!grant.adapters.has("postern")) return { kind: "refused", code: "ADAPTER_NOT_GRANTED" }
    const { examination } = this.#reception
    const full = this.#reception.full(grant, count, region.length)
    if (full !== undefined) return full
    if (!this.#reception.load(region, count)) return { kind: "refused", code: "FRAME_SYNTAX" }
    examination.judge(count, grant, (digest) => this.#beside.holds(peer.id, digest))
    const named = examination.named()
    const beside = this.#beside.look(batch, named)
    if (beside.kind === "later") return { kind: "full", delayMs: 0 }
    if (beside.kind === "refused") return beside
    const rows = { count, writer: peer.id, adapter: "postern", changed: 0 } as const
    const sifted = this.#reception.sift({ ...rows, ...(beside.rows && { large: beside.rows }) })
    if (!sifted) return { kind: "full", delayMs: 0 }
    const placed = this.#reception.place(count, batch.digest, {
      open: stream.open,
      sequence,
      events: count,
      changed: 0,
      kind: batchKind.framed,
      owner: batch.owner,
    })
    this.#beside.placed(batch, named)
    this.#reception.spent(grant, count, region.length)
    // A row can also turn out too large only when it is stamped.
    const refused = placed.accepted < count ? examination.refused(count) : []
    const altered = this.#world.policy.placed(peer.id, { count, ...placed, stream: stream.id })
    const faults = refused.filter(({ code }) => code !== "EVENT_NOT_KEPT")
    if (faults.length > 0)
      this.refused(peer, faults[0]?.code ?? "EVENT_SYNTAX", { stream, sequence, refused: faults })
    // What is remembered holds on to no session.
    const remembered = refused.length === 0 ? placed : { ...placed, owner: undefined, refused }
    advanceStream(stream, remembered, this.now())
    return { kind: "placed", refused, altered }
  }

  /** As BodyIntake.keepOut. */
  keepOut(body: OfferedBody): Promise<ReadonlySet<string>> {
    return this.#bodies.keepOut(body)
  }

  /** Why a body of so many events and bytes would not be taken now; undefined if it would. */
  noRoom(
    peer: SessionPeer,
    adapter: Adapter,
    events: number,
    bytes: number,
  ): ReturnType<BodyIntake["refusal"]> {
    return this.#bodies.refusal(peer, adapter, events, bytes)
  }

  offerBody(body: OfferedBody): BodyOffered {
    return this.#bodies.offer(body)
  }

  /** A disclosure that a writer hands over before its batch: kept for good where there is no policy, else put aside until that has looked at it. */
  async keepDisclosure(peer: SessionPeer, disclosure: KeptOut): Promise<void> {
    const grant = this.#world.grant(peer.id)
    const { length } = disclosure.json
    // What its grant does not allow is not kept; the event that names it is refused then.
    if (grant === undefined || length > grant.eventBytesMax) return
    if (!this.#reception.isDisclosure(disclosure.json)) {
      throw new PosternError("DISCLOSURE_SYNTAX", "it is no salt, name and value of a member")
    }
    this.#reception.spent(grant, 0, length)
    const { policy, disclosures } = this.#world
    if (policy.inForce === undefined) await disclosures.keep([disclosure])
    else await disclosures.handedOver.keep(peer.id, disclosure)
  }

  openStream(
    owner: BatchOwner,
    peer: SessionPeer,
    wanted: WantedStream,
    done: (found: Stream | ErrorCode) => void,
  ): void {
    const { id } = wanted
    const { streams, commits } = this.#world
    const foreign = streams.byId(id)
    if (foreign !== undefined && foreign.writer !== peer.id) return done("STREAM_FOREIGN")
    if (foreign === undefined && !streams.mayOpen(peer.id)) return done("STREAM_LIMIT")
    if (this.#world.grant(peer.id)?.adapters.has("postern") !== true)
      return done("ADAPTER_NOT_GRANTED")
    if (foreign === undefined && !this.#world.own.hasRoom) {
      return commits.afterDurable(() => {
        if (!this.#gone.has(owner)) this.openStream(owner, peer, wanted, done)
      })
    }
    const opener = { peer, adapter: "postern", framed: true } as const
    const stream = foreign ?? openStream(this.#world, opener, wanted, this.now())
    const previous = this.#sessionOf.get(stream)
    if (previous !== undefined && previous !== owner) previous.superseded(stream)
    this.#sessionOf.set(stream, owner)
    commits.afterDurable(() => {
      stream.durable ??= { next: stream.next, digest: stream.digest }
      done(stream)
    })
  }

  beat(
    peer: SessionPeer,
    stream: Stream,
    signed: StreamSignature,
    done: (holds: boolean) => void,
  ): void {
    this.#testimony.beat(peer, stream, signed, done)
  }

  closeStream(
    peer: SessionPeer,
    stream: Stream,
    signed: StreamSignature | undefined,
    done: (holds: boolean) => void,
  ): void {
    const holder = this.#sessionOf.get(stream)
    const close = (proof: Signed | undefined): void =>
      this.#whenRoomForOwn(() => {
        // Another session of the writer may have taken it meanwhile, or ended it.
        const { commits, streams } = this.#world
        const now = this.#sessionOf.get(stream)
        const isOthers = now !== undefined && now !== holder
        if (isOthers || streams.byId(stream.id) !== stream) return done(false)
        this.#closeNow(peer, stream, proof)
        commits.afterDurable(() => done(true))
      })
    if (signed === undefined) return close(undefined)
    this.#testimony.check("close", peer, stream, signed, (proof) => {
      if (proof === undefined) done(false)
      else close(proof)
    })
  }

  #whenRoomForOwn(callback: () => void): void {
    const { commits, own } = this.#world
    if (own.hasRoom) callback()
    else commits.afterDurable(() => this.#whenRoomForOwn(callback))
  }

  #closeNow(peer: SessionPeer, stream: Stream, signed: Signed | undefined): void {
    const { own, streams } = this.#world
    own.record({
      action: "postern.stream.closed",
      outcome: "success",
      targets: [{ type: "writer", id: peer.id }],
      data: {
        stream: stream.id,
        writer: peer.id,
        open: stream.open,
        next: stream.next,
        reason: "writer",
        ...signed,
      },
    })
    streams.remove(stream)
    this.#sessionOf.delete(stream)
  }

  declareGap(owner: BatchOwner, peer: SessionPeer, stream: Stream, gap: DeclaredGap): Offered {
    if (!this.#world.own.hasRoom) return { kind: "full", delayMs: 0 }
    const { sequence, count: events, digest, reason } = gap
    this.#world.own.record({
      action: "postern.stream.gap",
      outcome: "unknown",
      targets: [{ type: "writer", id: peer.id }],
      data: {
        stream: stream.id,
        writer: peer.id,
        open: stream.open,
        sequence,
        count: events,
        reason,
      },
    })
    const kind = batchKind.gap
    this.#reception.place(0, digest, {
      open: stream.open,
      sequence,
      events,
      changed: 0,
      kind,
      owner,
    })
    advanceOverGap(stream, { sequence, events, digest })
    return { kind: "placed", refused: [], altered: [] }
  }

  acknowledgeAgain(first: number, accepted: number, done: (again: DurableSlot) => void): void {
    const { commits } = this.#world
    commits.afterDurable(() => {
      this.#world.acknowledgeAgain(first, accepted).then(done, (error) => commits.fail(error))
    })
  }

  whenRoom(owner: BatchOwner, delayMs: number): void {
    if (delayMs > 0) setTimeout(() => owner.resume(), delayMs)
    else if (!this.#large.isBusy(owner)) this.#waiting.add(owner)
  }

  /** The other slot has become the open one: whoever waited goes on, in the order of arrival. */
  roomAppeared(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    this.#world.own.placeWaiting()
    for (const owner of waiting) owner.resume()
  }

  /** The session is gone; its streams stay open for the next one. */
  forget(owner: BatchOwner): void {
    this.#gone.add(owner)
    this.#waiting.delete(owner)
    this.#large.release(owner)
    this.#world.audits.forget(owner)
    for (const [stream, holder] of this.#sessionOf) {
      if (holder !== owner) continue
      stream.lastUsed = this.now() // It was in use as long as it was held.
      this.#sessionOf.delete(stream)
    }
  }

  /** Whether a live session has this stream open. */
  holds(stream: Stream): boolean {
    return this.#sessionOf.has(stream)
  }

  refused(peer: SessionPeer, code: ErrorCode, detail: RefusedDetail = {}): void {
    this.#world.refusals.report(peer, code, detail)
  }

  audit(
    owner: BatchOwner,
    peer: SessionPeer,
    question: AuditQuestion,
    answer: (answer: AuditAnswer) => void,
  ): void {
    this.#world.audits.ask(owner, question, answer, (size) => {
      this.refused(peer, "AUDIT_AHEAD", { detail: `seen ${question.seen}, published ${size}` })
    })
  }

  renew(peer: SessionPeer, request: Uint8Array, answer: (answer: RenewalAnswer) => void): void {
    this.#world.renew(peer, request, answer)
  }

  doubt(peer: SessionPeer, doubt: Doubt): void {
    if (this.#doubts.add(peer, doubt, this.now())) return
    this.refused(peer, "RATE_LIMITED", { detail: `a doubt: ${doubt.code}` })
  }

  /** A name for a new session, unguessable and short. */
  static sessionName(): string {
    return randomBytes(9).toString("base64url")
  }
}
