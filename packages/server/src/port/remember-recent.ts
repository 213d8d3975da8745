import { decodeUtf8 } from "@postern/log/base"
import { rowField } from "@postern/log/core"
import {
  type BatchRow,
  batchKind,
  findSlot,
  listSegments,
  type ReadSlot,
  segmentPath,
  splitRecords,
  walkSlots,
} from "../disk/index.ts"
import { Examination } from "./examination.ts"
import type { PortMemory, RecentIds } from "./sequencer/index.ts"

/** Segments looked back into: more than the ids that are remembered, unless events are very large. */
const segmentsBack = 2

/**
 * Fills the memory of recent ids from the log's tail, so that a sender without a stream that repeats itself after a
 * restart of the port is recognised. Outside these segments a repeat may stand twice.
 * @param slotsEnd number of slots in the log: what stands behind them was not written whole
 */
export async function rememberRecent(
  directory: string,
  slotsEnd: number,
  memory: PortMemory,
  recent: RecentIds,
): Promise<void> {
  const examination = new Examination(memory)
  const writers = new Map<number, string>()
  for (const first of (await listSegments(directory)).slice(-segmentsBack)) {
    for await (const slot of walkSlots(segmentPath(directory, first, "seg"))) {
      if (slot.header.slot >= slotsEnd) return
      const rows = slot.rows.filter((row) => row.kind === batchKind.serverMade && row.accepted > 0)
      if (rows.length === 0) continue
      const leaves = splitRecords(slot.records) ?? []
      for (const row of rows) {
        const writer = writers.get(row.open) ?? (await writerOf(directory, row.open))
        writers.set(row.open, writer)
        for (let i = 0; i < row.accepted; i++) {
          const index = row.first + i
          const event = eventOf(leaves[index - slot.header.first])
          remember(examination, memory, recent, { writer, row, index, event })
        }
      }
    }
  }
}

function remember(
  examination: Examination,
  memory: PortMemory,
  recent: RecentIds,
  entry: { writer: string; row: BatchRow; index: number; event: Uint8Array },
): void {
  const { core, events } = memory
  const { writer, row, index, event } = entry
  new DataView(core.memory.buffer, core.memory.byteOffset).setUint32(events, event.length)
  core.memory.set(event, events + 4)
  if (!examination.split(events, events + 4 + event.length, 1)) return
  core.scan(memory.rows, 1)
  const id = examination.bytes(0, rowField.id)
  recent.meet({ writer, id, content: examination.content(0, row.changed) }, index)
}

async function writerOf(directory: string, open: number): Promise<string> {
  const slot: ReadSlot = await findSlot(directory, open)
  const leaf = (splitRecords(slot.records) ?? [])[open - slot.header.first]
  const event = JSON.parse(decodeUtf8(eventOf(leaf)) ?? "{}") as { data?: { writer?: string } }
  return event.data?.writer ?? ""
}

function eventOf(leaf: Uint8Array | undefined): Uint8Array {
  return leaf === undefined ? new Uint8Array(0) : leaf.subarray(leaf.indexOf(0x0a) + 1)
}
