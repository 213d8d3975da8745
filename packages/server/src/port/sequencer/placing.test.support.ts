import { concatBytes, encodeUtf8 } from "@postern/log/base"
import { rowBytes, rowField } from "@postern/log/core"
import { type Changed, deriveNonce, formatStamp } from "@postern/log/event"
import { batchKind } from "../../disk/index.ts"
import { layOutMemory, type PlacedBatch, type Sequencer } from "./index.ts"

/** 48 MiB: one for all tests of a file. */
export const memory = layOutMemory()

/** A batch as a test describes it. */
export interface Batch {
  readonly events: readonly Uint8Array[]
  /** Positions that get a verdict before they are placed. */
  readonly refused: readonly number[]
  readonly open: number
  readonly sequence: number
  readonly received: number
  readonly changed: Changed
  readonly seed: Uint8Array
  readonly digest: Uint8Array
}

export function batchOf(some: Partial<Batch> = {}): Batch {
  return {
    events: [encodeUtf8('{"a":1}')],
    refused: [],
    open: 0,
    sequence: 0,
    received: 1_764_000_000_000_000,
    changed: 0,
    seed: new Uint8Array(16).fill(5),
    digest: new Uint8Array(32).fill(6),
    ...some,
  }
}

export function regionOf(events: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...events.map((event) => {
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, event.length)
      return concatBytes(length, event)
    }),
  )
}

/** Puts the events into the core's memory as rows, with their verdicts. */
export function load(events: readonly Uint8Array[], refused: readonly number[] = []): void {
  const { core, body, rows, rowsMax } = memory
  const region = regionOf(events)
  core.memory.set(region, body)
  const count = core.split(body, body + region.length, rows, rowsMax)
  if (count !== events.length) throw new Error(`${count} rows, not ${events.length}`)
  const words = new DataView(core.memory.buffer, rows)
  for (const row of refused) words.setUint32(row * rowBytes + rowField.verdict, 1, true)
}

export function place<Owner>(
  sequencer: Sequencer<Owner>,
  batch: Batch,
  owner: Owner,
): PlacedBatch<Owner> {
  load(batch.events, batch.refused)
  const { events, refused: _, ...rest } = batch
  const { length: count } = events
  return sequencer.place({ ...rest, count, events: count, kind: batchKind.framed, owner })
}

/** The leaves that docs/spec/log.md makes of a batch. */
export function leavesOf(batch: Batch): Uint8Array[] {
  const { received, open, changed, seed } = batch
  return batch.events.flatMap((event, position) => {
    if (batch.refused.includes(position)) return []
    const nonce = deriveNonce(seed, position)
    const sequence = batch.sequence + position
    const stamp = formatStamp({ received, open, sequence, nonce, changed })
    return [concatBytes(encodeUtf8(`${stamp}\n`), event)]
  })
}
