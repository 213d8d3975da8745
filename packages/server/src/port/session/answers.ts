import { type ErrorCode, errorRegistry, limits } from "@postern/log/base"
import {
  type AlteredEvent,
  type AuditAnswer,
  ackLevelDurable,
  type BatchAck,
  encodeAckFrame,
  encodeAltered,
  encodeCheckpoint,
  encodeClosed,
  encodeCredit,
  encodeFrame,
  encodeGoaway,
  encodeOpened,
  encodeRefused,
  encodeRenewed,
  encodeWelcome,
  frameTypes,
  type RenewalAnswer,
} from "@postern/log/wire"
import type { Stream } from "../sequencer/index.ts"
import type { DurableBatch, DurableSlot, Intake, RefusedEvents, SessionPeer } from "./intake.ts"

/** What a session says, as frames. Facts go in, bytes come out; nothing is remembered. */

/** Rows of one ACK: at most 26 hashes of 32 bytes each keep the frame below its limit. */
const ackRowsMax = 1_000

export function welcomeFrame(intake: Intake, peer: SessionPeer, credit: number): Uint8Array {
  const { origin, certificate, vkey, keys } = intake
  const { frameBytesMax: frameBytes, batchEventsMax, entryBytesMax: entryBytes } = limits
  const bounds = { frameBytes, batchEvents: batchEventsMax, entryBytes }
  const about = { origin, session: peer.session, credit, certificate, vkey, limits: bounds, keys }
  return encodeFrame(frameTypes.welcome, encodeWelcome(about))
}

export function openedFrame(channel: number, { open, next, digest }: Stream): Uint8Array {
  return encodeFrame(frameTypes.opened, encodeOpened({ channel, open, next, digest }))
}

export function closedFrame(channel: number): Uint8Array {
  return encodeFrame(frameTypes.closed, encodeClosed({ channel }))
}

export function checkpointFrame(answer: AuditAnswer): Uint8Array {
  return encodeFrame(frameTypes.checkpoint, encodeCheckpoint(answer))
}

export function renewedFrame(answer: RenewalAnswer): Uint8Array {
  return encodeFrame(frameTypes.renewed, encodeRenewed(answer))
}

export function pongFrame(body: Uint8Array): Uint8Array {
  return encodeFrame(frameTypes.pong, body)
}

export function creditFrame(credit: number): Uint8Array {
  return encodeFrame(frameTypes.credit, encodeCredit(credit))
}

export function goawayFrame(
  code: ErrorCode,
  extra: { readonly detail?: string; readonly expected?: number },
): Uint8Array {
  const { message, hint } = errorRegistry[code]
  return encodeFrame(frameTypes.goaway, encodeGoaway({ code, message, hint, ...extra }))
}

export function refusedFrame(
  place: { readonly channel: number; readonly sequence: number },
  events: readonly RefusedEvents[],
): Uint8Array {
  const refused = events.map(({ code, positions }) => {
    return { code, hint: errorRegistry[code].hint, positions }
  })
  return encodeFrame(frameTypes.refused, encodeRefused({ ...place, refused }))
}

export function* alteredFrames(
  place: { readonly channel: number; readonly sequence: number },
  events: readonly AlteredEvent[],
): Generator<Uint8Array> {
  for (const body of encodeAltered({ ...place, events })) {
    yield encodeFrame(frameTypes.altered, body)
  }
}

/** The same of a batch whose acknowledgement is made again. */
export function alteredAgain(
  place: { readonly channel: number; readonly sequence: number },
  { altered = [] }: DurableSlot,
): Generator<Uint8Array> {
  const events = altered.map((one) => ({ ...one, position: one.position - place.sequence }))
  return alteredFrames(place, events)
}

/** @param channelOf of a stream, by the index of its opening entry */
export function* ackFrames(
  acked: readonly DurableBatch[],
  slot: DurableSlot,
  credit: number,
  channelOf: ReadonlyMap<number, number>,
): Generator<Uint8Array> {
  const { note } = slot
  for (let from = 0; from < acked.length; from += ackRowsMax) {
    const batches = acked.slice(from, from + ackRowsMax).map((batch) => {
      return ackRow(batch, slot, channelOf.get(batch.open) ?? 0)
    })
    yield encodeAckFrame({ level: ackLevelDurable, credit, note, batches })
  }
}

function ackRow(batch: DurableBatch, slot: DurableSlot, channel: number): BatchAck {
  const { open, sequence, events, accepted, first, received, changed, seed } = batch
  const path = accepted === 0 ? [] : [...slot.rangePath(first, accepted)]
  return {
    channel,
    sequence,
    events,
    accepted,
    firstIndex: first,
    received,
    open,
    changed: changed as BatchAck["changed"],
    seed,
    path,
  }
}
