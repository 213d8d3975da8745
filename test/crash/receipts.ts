import { parseBase64 } from "@postern/log/base"
import { checkBatchReceipt } from "@postern/log/evidence"
import { decodeBatchHeader, frameHeaderBytes, splitRegion } from "@postern/log/wire"
import { eventBytes } from "./event.ts"
import type { AnsweredBatch, HttpSample } from "./http-writer.ts"
import type { Sample } from "./stream-record.ts"

/** Proves from an acknowledgement alone, without looking at the log, that its batch is there. */
export async function receiptFault(sample: Sample, receiptVkey: string): Promise<string[]> {
  const { ack, note, frame } = sample
  const { region, count } = decodeBatchHeader(frame.subarray(frameHeaderBytes))
  const events = splitRegion(region, count)
  try {
    const proven = await checkBatchReceipt({ ack, events, refused: [], note, receiptVkey })
    if (proven.firstIndex === ack.firstIndex) return []
    return [`it proves index ${proven.firstIndex}, not ${ack.firstIndex}`]
  } catch (error) {
    return [String(error)]
  }
}

/** The same for the answer to an HTTP request: each of its batches. */
export async function answerFaults(
  name: string,
  { answer, fresh }: HttpSample,
  receiptVkey: string,
): Promise<string[]> {
  const faults: string[] = []
  let at = 0
  for (const { note, batches } of answer.receipts) {
    for (const batch of batches) {
      const events = fresh.slice(at, at + batch.count).map((n) => eventBytes(name, n))
      at += batch.count
      const claim = { ack: ackOf(batch), events, refused: [], note, receiptVkey }
      await checkBatchReceipt(claim).catch((error) => faults.push(String(error)))
    }
  }
  if (at !== fresh.length) faults.push(`receipts for ${at} of ${fresh.length} events`)
  return faults
}

function ackOf(batch: AnsweredBatch) {
  const { open, sequence, first, count, received, changed, seed, path } = batch
  return {
    ...{ open, sequence, received, changed, events: count, accepted: count, firstIndex: first },
    seed: parseBase64(seed) ?? new Uint8Array(0),
    path: path.map((hash) => parseBase64(hash) ?? new Uint8Array(0)),
  }
}
