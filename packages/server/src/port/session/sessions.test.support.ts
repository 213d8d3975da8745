import { type ErrorCode, errorRegistry, formatHex, sha256 } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import { disclosureDigest } from "@postern/log/event"
import {
  type Ack,
  type AuditAnswer,
  type AuditQuestion,
  type Doubt,
  decodeAck,
  decodeCheckpoint,
  decodeClosed,
  decodeCredit,
  decodeGoaway,
  decodeOpened,
  decodeRefused,
  decodeRenewed,
  decodeWelcome,
  encodeAudit,
  encodeBatchFrame,
  encodeBeat,
  encodeClose,
  encodeDisclosurePart,
  encodeDoubt,
  encodeFrame,
  encodeGap,
  encodeHello,
  encodeOpen,
  FrameReader,
  frameTypes,
  type RenewalAnswer,
  streamDigestNext,
  streamDigestStart,
} from "@postern/log/wire"
import { expect } from "vitest"
import {
  advanceOverGap,
  advanceStream,
  type RememberedBatch,
  type Stream,
} from "../sequencer/index.ts"
import { CreditPool, FramedSession } from "./index.ts"
import type {
  BatchOwner,
  DeclaredGap,
  DurableSlot,
  Intake,
  Offered,
  OfferedBatch,
  RefusedDetail,
  SessionPeer,
  StreamSignature,
  WantedStream,
} from "./intake.ts"

export const writer = "spiffe://session.test/writer/w"
export const streamId = "00112233445566778899aabbccddeeff"

export function streamOf(open: number, id = streamId): Stream {
  const digest = streamDigestStart(id)
  const zeros = { next: 0, digest, durable: undefined, recent: [], lastUsed: 0 }
  return { id, writer, open, framed: true, ...zeros }
}

/** An intake that does what the test says, and notes what it was asked. */
export class FakeIntake implements Intake {
  readonly origin = "session.test/log"
  readonly certificate = "certificate\n"
  readonly vkey = "vkey"
  readonly keys: string | undefined = "proofs\n"
  /** `bytes`: a digest of the region as it was when it was offered. */
  readonly offers: (OfferedBatch & { readonly bytes: string })[] = []
  readonly gaps: DeclaredGap[] = []
  readonly rooms: number[] = []
  readonly refusals: { readonly code: ErrorCode; readonly detail: RefusedDetail | undefined }[] = []
  readonly opens: { readonly id: string; done(found: Stream | ErrorCode): void }[] = []
  readonly closes: {
    readonly stream: Stream
    readonly signed: StreamSignature | undefined
    done(holds?: boolean): void
  }[] = []
  readonly beats: {
    readonly stream: Stream
    readonly signed: StreamSignature
    done(holds: boolean): void
  }[] = []
  readonly again: {
    readonly first: number
    readonly accepted: number
    done(slot: DurableSlot): void
  }[] = []
  /** What the next offers are answered with; `placed` without refusals once it is used up. */
  readonly answers: Offered[] = []
  /** Index of the next entry. */
  next = 100
  readonly #placed: { owner: BatchOwner; batch: Parameters<BatchOwner["durable"]>[0] }[] = []

  now = () => 5

  offer(batch: OfferedBatch): Offered {
    const answer = this.answers.shift() ?? { kind: "placed", refused: [], altered: [] }
    this.offers.push({ ...batch, bytes: digestOf(batch.region) })
    if (answer.kind !== "placed") return answer
    const refused = answer.refused.reduce((sum, { positions }) => sum + positions.length, 0)
    const { owner, stream, sequence, count: events, digest } = batch
    const row = { sequence, events, accepted: events - refused, digest }
    this.#place(owner, stream, { ...row, refused: answer.refused })
    return answer
  }

  declareGap(owner: BatchOwner, _: SessionPeer, stream: Stream, gap: DeclaredGap): Offered {
    const answer = this.answers.shift() ?? { kind: "placed", refused: [], altered: [] }
    this.gaps.push(gap)
    if (answer.kind !== "placed") return answer
    const { sequence, count: events, digest } = gap
    const rows = { changed: 0, received: 7, seed: new Uint8Array(16), first: this.next }
    this.#placed.push({
      owner,
      batch: { open: stream.open, sequence, events, accepted: 0, ...rows },
    })
    advanceOverGap(stream, { sequence, events, digest })
    return answer
  }

  #place(
    owner: BatchOwner,
    stream: Stream,
    batch: Pick<RememberedBatch, "sequence" | "events" | "accepted" | "digest" | "refused">,
  ): void {
    const seed = new Uint8Array(16).fill(batch.sequence % 256)
    const row = { ...batch, first: this.next, received: 7, changed: 0, seed }
    this.next += batch.accepted
    advanceStream(stream, row, 5)
    this.#placed.push({ owner, batch: { open: stream.open, ...row } })
  }

  /** Disclosures that are to be kept; the test says when they are. */
  readonly keeping: {
    readonly digest: string
    readonly bytes: Uint8Array
    done(): void
    fail(error: Error): void
  }[] = []
  keepDisclosure = (_: SessionPeer, { json, digest }: KeptOut) =>
    new Promise<void>((done, fail) =>
      this.keeping.push({ digest, bytes: json.slice(), done, fail }),
    )

  whenRoom = (_: BatchOwner, delayMs: number) => void this.rooms.push(delayMs)
  openStream = (
    _: BatchOwner,
    __: SessionPeer,
    { id }: WantedStream,
    done: (found: Stream | ErrorCode) => void,
  ) => void this.opens.push({ id, done })
  closeStream = (
    _: SessionPeer,
    stream: Stream,
    signed: StreamSignature | undefined,
    done: (holds: boolean) => void,
  ) => void this.closes.push({ stream, signed, done: (holds = true) => done(holds) })
  beat = (
    _: SessionPeer,
    stream: Stream,
    signed: StreamSignature,
    done: (holds: boolean) => void,
  ) => void this.beats.push({ stream, signed, done })
  readonly audits: { readonly question: AuditQuestion; answer(answer: AuditAnswer): void }[] = []
  readonly doubts: Doubt[] = []
  readonly renewals: { readonly request: Uint8Array; answer(answer: RenewalAnswer): void }[] = []
  audit = (
    _: BatchOwner,
    __: SessionPeer,
    question: AuditQuestion,
    answer: (answer: AuditAnswer) => void,
  ) => void this.audits.push({ question, answer })
  renew = (_: SessionPeer, request: Uint8Array, answer: (answer: RenewalAnswer) => void) =>
    void this.renewals.push({ request, answer })
  doubt = (_: SessionPeer, doubt: Doubt) => void this.doubts.push(doubt)
  acknowledgeAgain = (first: number, accepted: number, done: (slot: DurableSlot) => void) =>
    void this.again.push({ first, accepted, done })
  refused = (_: SessionPeer, code: ErrorCode, detail?: RefusedDetail) =>
    void this.refusals.push({ code, detail })

  /** Everything placed so far becomes durable, in one slot. */
  commit(slot: DurableSlot = slotOf("note")): void {
    const owners = new Set<BatchOwner>()
    for (const { owner, batch } of this.#placed.splice(0)) {
      owner.durable(batch)
      owners.add(owner)
    }
    for (const owner of owners) owner.flush(slot)
  }
}

export function digestOf(region: Uint8Array): string {
  return formatHex(sha256(region))
}

export function slotOf(note: string): DurableSlot {
  return {
    note: Buffer.from(note),
    rangePath: (from, count) => [
      new Uint8Array(32).fill(from % 256),
      new Uint8Array(32).fill(count % 256),
    ],
  }
}

/** What a session has sent, taken apart. */
export type Said =
  | { readonly type: "ack"; readonly ack: Ack }
  | { readonly type: string; readonly [member: string]: unknown }

/** A session with its intake and its line; what it says is decoded and kept. */
export function openSession(pool = new CreditPool(), intake = new FakeIntake(), id = writer) {
  const reader = new FrameReader()
  const said: Said[] = []
  const line = { paused: false, ended: false, unread: false, pauses: 0, sentBytes: 0 }
  const peer = { id, certificate: "00", from: "x:1", session: "session-1" }
  const session = new FramedSession(intake, pool, peer, {
    get isUnread() {
      return line.unread
    },
    send(bytes) {
      if (line.ended) throw new Error("it speaks after its end")
      line.sentBytes = Math.max(line.sentBytes, bytes.length)
      reader.push(bytes.slice())
      for (const { type, body } of reader) said.push(decode(type, body.slice()))
    },
    pause() {
      line.paused = true
      line.pauses += 1
    },
    resume() {
      line.paused = false
    },
    end() {
      line.ended = true
    },
  })
  const send = (...frames: readonly Uint8Array[]): void => {
    session.receive(Buffer.concat(frames))
  }
  /** What was said since this was asked last. */
  const heard = (): Said[] => said.splice(0)
  return { session, intake, pool, line, send, heard }
}

function decode(type: number, body: Uint8Array): Said {
  if (type === frameTypes.ack) return { type: "ack", ack: decodeAck(body) }
  if (type === frameTypes.welcome) return { type: "welcome", ...decodeWelcome(body) }
  if (type === frameTypes.opened) return { type: "opened", ...decodeOpened(body) }
  if (type === frameTypes.refused) return { type: "refused", ...decodeRefused(body) }
  if (type === frameTypes.closed) return { type: "closed", ...decodeClosed(body) }
  if (type === frameTypes.goaway) return { type: "goaway", ...decodeGoaway(body) }
  if (type === frameTypes.checkpoint) return { type: "checkpoint", ...decodeCheckpoint(body) }
  if (type === frameTypes.renewed) return { type: "renewed", ...decodeRenewed(body) }
  if (type === frameTypes.pong) return { type: "pong", text: Buffer.from(body).toString() }
  if (type === frameTypes.credit) return { type: "credit", credit: decodeCredit(body) }
  return { type: `type ${type}` }
}

type Opened = ReturnType<typeof openSession>

/** The session's last words, and that there are no more. */
export function expectGoaway(
  { heard, line, intake }: Pick<Opened, "heard" | "line" | "intake">,
  code: ErrorCode,
  more: object = {},
): void {
  const { message, hint } = errorRegistry[code]
  expect(heard().at(-1)).toMatchObject({ type: "goaway", code, message, hint, ...more })
  expect(line.ended).toBe(true)
  expect(intake.refusals.map((refusal) => refusal.code)).toEqual([code])
}

export function acks(said: readonly Said[]) {
  return said.flatMap((one) => (one.type === "ack" && "ack" in one ? [one.ack as Ack] : []))
}

export function raw(type: number, body: Uint8Array = new Uint8Array(0), flags = 0): Uint8Array {
  const frame = Buffer.alloc(6 + body.length)
  frame.writeUInt32BE(2 + body.length)
  frame.writeUInt8(type, 4)
  frame.writeUInt8(flags, 5)
  frame.set(body, 6)
  return frame
}

/** A session that was greeted and has a stream open on channel 0. */
export function openStreamSession(pool?: CreditPool, id?: string) {
  const opened = openSession(pool, new FakeIntake(), id)
  const stream = streamOf(50)
  opened.send(hello(), openOn(0))
  opened.intake.opens.shift()?.done(stream)
  opened.heard()
  return { ...opened, stream, frames: new Frames() }
}

/** The writer's side of a stream. */
export class Frames {
  next = 0
  digest = streamDigestStart(streamId)

  batch(count: number, bytes = 20, channel = 0): Uint8Array {
    const events = Array.from({ length: count }, () => new Uint8Array(bytes).fill(0x61))
    const frame = encodeBatchFrame({ channel, sequence: this.next, previous: this.digest, events })
    this.digest = streamDigestNext(this.digest, this.next, count, frame.subarray(52))
    this.next += count
    return frame
  }

  gap(count: number, channel = 0): Uint8Array {
    const { next: sequence, digest } = this
    this.next += count
    return encodeFrame(
      frameTypes.gap,
      encodeGap({ channel, sequence, count, digest, reason: "lost" }),
    )
  }
}

/** The frames of a disclosure, cut every `partBytes`. */
export function disclosureFrames(
  json: Uint8Array,
  partBytes: number = json.length,
  digest = Buffer.from(disclosureDigest(json), "base64url"),
): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < json.length; at += partBytes) {
    const part = json.subarray(at, at + partBytes)
    const body = encodeDisclosurePart({ digest, isMore: at + partBytes < json.length, part })
    frames.push(encodeFrame(frameTypes.disclosure, body))
  }
  return frames
}

export const hello = () => encodeFrame(frameTypes.hello, encodeHello({ agent: "test/1" }))
export const openOn = (channel: number, stream = streamId) =>
  encodeFrame(frameTypes.open, encodeOpen({ channel, stream, acked: 0 }))
export const close = (channel: number) => encodeFrame(frameTypes.close, encodeClose({ channel }))
export const signature = Buffer.alloc(64, 7).toString("base64")
export const beat = (sequence: number, channel = 0) =>
  encodeFrame(frameTypes.beat, encodeBeat({ channel, sequence, signature }))
export const signedClose = (sequence: number, channel = 0) =>
  encodeFrame(frameTypes.close, encodeClose({ channel, signed: { sequence, signature } }))
export const audit = (seen: number, sample?: number) =>
  encodeFrame(frameTypes.audit, encodeAudit({ seen, sample }))
export const renew = (request: Uint8Array) => encodeFrame(frameTypes.renew, request)
export const doubt = (said: Doubt) => encodeFrame(frameTypes.doubt, encodeDoubt(said))
export const ping = (text: string) => encodeFrame(frameTypes.ping, Buffer.from(text))
