import { checkBatchReceipt, openReceiptCertificate, type ProvenBatch } from "@postern/log/evidence"
import type { Ack, AlteredEvent } from "@postern/log/wire"

/** What a writer can prove with an acknowledgement: the leaves of each batch, in the order of `events`. */
export async function proveAck(
  ack: Ack,
  events: readonly (readonly string[])[],
  refused: readonly (readonly number[])[],
  trust: { readonly certificate: string; readonly vkey: string },
  altered: readonly AlteredEvent[] = [],
): Promise<ProvenBatch[]> {
  const receiptVkey = await openReceiptCertificate(trust.certificate, trust.vkey)
  const note = Buffer.from(ack.note).toString()
  const proven: ProvenBatch[] = []
  for (const [i, batch] of ack.batches.entries()) {
    const claim = {
      ...{ ack: batch, note, receiptVkey, refused: refused[i] ?? [], altered },
      events: (events[i] ?? []).map((event) => new Uint8Array(Buffer.from(event))),
    }
    proven.push(await checkBatchReceipt(claim))
  }
  return proven
}
