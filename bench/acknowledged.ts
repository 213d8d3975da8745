/** What the generator wants of an ACK: how far it goes. The receipt is for writers that keep something. */
export interface Acknowledged {
  readonly credit: number
  /** Batches in the ACK, in order. */
  readonly batches: number
  readonly events: number
  readonly accepted: number
}

/** A row of an ACK without its path (docs/spec/wire.md). */
const rowBytes = 60
const hashBytes = 32

/** Reads an ACK's body in place, without copies. Throws if it is not as long as it says. */
export function readAcknowledged(body: Uint8Array): Acknowledged {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  let at = 11 + view.getUint16(9)
  const batches = view.getUint16(at)
  at += 2
  let events = 0
  let accepted = 0
  for (let i = 0; i < batches; i++) {
    events += view.getUint32(at + 10)
    accepted += view.getUint32(at + 14)
    at += rowBytes + hashBytes * view.getUint8(at + 59)
  }
  if (at !== body.length) throw new Error(`an ACK of ${body.length} bytes ends at ${at}`)
  return { credit: Number(view.getBigUint64(1)), batches, events, accepted }
}
