import { randomUUID } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { z } from "zod"
import type { Desk } from "./desk.ts"
import type { MirrorSession } from "./mirrors.ts"
import { index } from "./parameters.ts"
import { describeFailure } from "./problem.ts"
import { defineRoute, type Question, type Route } from "./route.ts"
import {
  encodeBegin,
  encodeEnd,
  encodeSegment,
  encodeSlotFrame,
  encodeSlotsHead,
  slotFrameTypes,
} from "./slot-frames.ts"
import type { TailPace } from "./tail-frames.ts"
import { openTailStream, type TailEnd, type TailStream } from "./tail-stream.ts"
import type { SlotCursor, SlotPiece } from "./world.ts"

const slotsQuery = z.strictObject({
  from: index.meta({ description: "Number of the first slot wanted" }),
})

export interface SlotStreams {
  readonly route: Route
  /** Ends all answers; resolves when that is recorded. */
  close(): Promise<void>
}

/** How far an answer has come. */
interface Progress {
  /** Number of the next slot to send. */
  slot: number
  /** Entries of the log before it; undefined until the first slot was read or the head is where we begin. */
  size: number | undefined
  slots: number
  entries: number
  bytes: number
  /** The newest checkpoint that waits for its entries, and the last one sent. */
  waiting: { readonly note: string; readonly size: number } | undefined
  sent: string | undefined
}

const windowBytes = 1_048_576
const checkpointPollMs = 200

/** The log as it stands on disk, slot by slot, for mirrors (docs/spec/mirror.md). */
export function openSlotStreams(desk: Desk): SlotStreams {
  const streams = new Set<TailStream>()
  let closing = false
  const route = defineRoute({
    path: "/v1/log/slots",
    pattern: "/v1/log/slots",
    operation: "followSlots",
    summary: "Slots as they stand on disk and as they become durable, for mirrors",
    see: "auditor",
    query: slotsQuery,
    answer: { type: "application/vnd.postern.slots" },
    async handle(question) {
      if (closing) throw new PosternError("SHUTTING_DOWN")
      return handleSlots(desk, streams, question)
    },
  })
  async function close(): Promise<void> {
    closing = true
    await Promise.all([...streams].map((stream) => stream.end("drain")))
  }
  return { route, close }
}

async function handleSlots(
  desk: Desk,
  streams: Set<TailStream>,
  question: Question<typeof slotsQuery>,
): Promise<Response> {
  const { peer, query, text } = question
  const { from } = query
  const cursor = await desk.world.slots.open(from)
  const session: MirrorSession = { id: randomUUID(), peer, question: text, confirmed: undefined }
  try {
    desk.mirrors.admit(session)
    const facts = { session: session.id, from, size: desk.world.view.head().size }
    const opened = {
      action: "postern.mirror.opened",
      what: "slots",
      question: text,
      facts,
    } as const
    await desk.ledger.record(peer, opened)
  } catch (error) {
    desk.mirrors.leave(session)
    await cursor.close()
    throw error
  }
  const { slot, size } = desk.world.view.head()
  const atHead = from === slot + 1
  const progress: Progress = {
    ...{ slot: from, size: atHead ? size : undefined, slots: 0, entries: 0, bytes: 0 },
    ...{ waiting: undefined, sent: undefined },
  }
  const stream = openStream(desk, question, session, cursor, progress, async (end) => {
    streams.delete(stream)
    desk.mirrors.leave(session)
    await cursor.close()
    desk.counters.entries += progress.entries
    const { slots, entries, bytes } = progress
    const counts = { to: progress.slot, slots, entries, bytes, end }
    const confirmed = session.confirmed?.size ?? 0
    const facts = { session: session.id, from, ...counts, confirmed }
    const closed = {
      action: "postern.mirror.closed",
      what: "slots",
      question: text,
      facts,
    } as const
    // The slots have left: a failure here can only be told to the operator, which the ledger has done.
    await desk.ledger.record(peer, closed).catch(() => undefined)
  })
  streams.add(stream)
  const headers = {
    "content-type": "application/vnd.postern.slots",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  }
  return new Response(stream.body, { headers })
}

function openStream(
  desk: Desk,
  { peer, cut }: Question,
  session: MirrorSession,
  cursor: SlotCursor,
  progress: Progress,
  onEnd: (end: TailEnd) => Promise<void>,
): TailStream {
  const { world } = desk
  return openTailStream({
    view: world.view,
    stuckMs: world.limits.stuckMs,
    cut,
    mayGoOn: () => world.grantOf(peer)?.see === "auditor",
    frames: (pace) => slotFrames(desk, session, cursor, progress, pace),
    failure: (error) => encodeEnd(describeFailure(error, world)),
    onEnd,
  })
}

async function* slotFrames(
  desk: Desk,
  session: MirrorSession,
  cursor: SlotCursor,
  progress: Progress,
  pace: TailPace,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { view, limits, elapsedMs } = desk.world
  let sentMs = elapsedMs()
  yield beginFrames(desk, session, progress)
  while (pace.mayGoOn()) {
    const frames = (await cursor.next(windowBytes)).map((piece) => pieceFrame(piece, progress))
    const behind = progress.slot <= view.head().slot
    const note = await checkpointFrame(desk, progress)
    if (note !== undefined) frames.push(note)
    const quietMs = limits.heartbeatMs - (elapsedMs() - sentMs)
    if (frames.length === 0 && quietMs <= 0) frames.push(headFrame(desk))
    if (frames.length > 0) {
      if (!pace.mayGoOn()) return
      yield frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames)
      sentMs = elapsedMs()
    } else if (!behind) await pace.pause(Math.min(checkpointPollMs, quietMs))
  }
}

function beginFrames(desk: Desk, session: MirrorSession, { slot: from }: Progress): Uint8Array {
  const { origin } = desk.world.view
  const { slot, size } = desk.world.view.head()
  const begin = { origin, session: session.id, from, slots: slot + 1, size }
  return Buffer.concat([encodeBegin(begin), headFrame(desk)])
}

function headFrame({ world }: Desk): Uint8Array {
  const { slot, size, time } = world.view.head()
  return encodeSlotsHead(slot + 1, size, time)
}

function pieceFrame(piece: SlotPiece, progress: Progress): Uint8Array {
  if (piece.kind === "segment") return encodeSegment(piece.first, piece.start)
  progress.slot = piece.slot + 1
  progress.size = piece.first + piece.entries
  progress.slots += 1
  progress.entries += piece.entries
  progress.bytes += piece.bytes.length
  return encodeSlotFrame(slotFrameTypes.slot, piece.bytes)
}

/**
 * The newest checkpoint, once all that it covers was sent. One that waits is not replaced by newer ones: a mirror that
 * is always a little behind would never get any.
 */
async function checkpointFrame(
  { checkpoints }: Desk,
  progress: Progress,
): Promise<Uint8Array | undefined> {
  if (progress.size === undefined) return undefined
  progress.waiting ??= await checkpoints.newest()
  const { waiting } = progress
  if (waiting === undefined || waiting.size > progress.size) return undefined
  progress.waiting = undefined
  if (waiting.note === progress.sent) return undefined
  progress.sent = waiting.note
  return encodeSlotFrame(slotFrameTypes.checkpoint, Buffer.from(waiting.note))
}
