import { decodeUtf8, isPosternError } from "@postern/log/base"
import { rowField } from "@postern/log/core"
import { parseStamp, splitLeaf } from "@postern/log/event"
import {
  batchKind,
  findSlot,
  listSegments,
  nodeFiles,
  type ReadSlot,
  readPruned,
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
  const writers = new Map<number, string | undefined>()
  for (const first of (await listSegments(directory)).slice(-segmentsBack)) {
    for await (const slot of walkSlots(
      segmentPath(directory, first, "seg"),
      0,
      nodeFiles,
      leaveOut,
    )) {
      if (slot.header.slot >= slotsEnd) return
      const rows = slot.rows.filter((row) => row.kind === batchKind.serverMade && row.accepted > 0)
      if (rows.length === 0) continue
      const leaves = splitRecords(slot.records) ?? []
      for (const row of rows) {
        if (!writers.has(row.open))
          writers.set(row.open, await writerOf(directory, row.open).catch(unlessUnreadable))
        const writer = writers.get(row.open)
        if (writer === undefined) continue
        for (let i = 0; i < row.accepted; i++) {
          const index = row.first + i
          const leaf = leaves[index - slot.header.first]
          remember(examination, memory, recent, { writer, index, leaf })
        }
      }
    }
  }
}

/** What is damaged there ends the memory, not the port: whoever reads those entries hears of it. */
function leaveOut(): void {
  return undefined
}

/** Nor what cannot be opened here: repeats of that stream are not recognised. */
function unlessUnreadable(error: unknown): undefined {
  const isUnreadable =
    isPosternError(error) && (error.code === "LOG_DAMAGED" || error.code === "SEGMENT_LOCKED")
  if (!isUnreadable) throw error
}

function remember(
  examination: Examination,
  memory: PortMemory,
  recent: RecentIds,
  entry: { writer: string; index: number; leaf: Uint8Array | undefined },
): void {
  const { core, events } = memory
  const { writer, index, leaf = new Uint8Array(0) } = entry
  const { stamp, event } = splitLeaf(leaf)
  const { changed } = parseStamp(Buffer.from(stamp).toString("latin1"))
  new DataView(core.memory.buffer, core.memory.byteOffset).setUint32(events, event.length)
  core.memory.set(event, events + 4)
  if (!examination.split(events, events + 4 + event.length, 1)) return
  // What the policy changed has a member that no writer may send; what it was before nobody knows any more.
  if (changed >= 4) examination.locate(0)
  else core.scan(memory.rows, 1)
  const id = examination.span(0, rowField.id)
  const content = changed >= 4 ? examination.texts(0, changed) : examination.content(0, changed)
  recent.meet(writer, id, content, index)
}

/** Undefined if the port numbers what comes in its stream, so that nothing of it can be a repeat. */
async function writerOf(directory: string, open: number): Promise<string | undefined> {
  const leaf = (await keptLeaf(directory, open)) ?? (await slotLeaf(directory, open))
  const event = JSON.parse(decodeUtf8(eventOf(leaf)) ?? "{}") as {
    data?: { writer?: string; adapter?: string }
  }
  return event.data?.adapter === "syslog" ? undefined : (event.data?.writer ?? "")
}

/** What opened a stream is kept where the segments before were removed (docs/spec/retention.md). */
async function keptLeaf(directory: string, open: number): Promise<Uint8Array | undefined> {
  const pruned = await readPruned(directory)
  return pruned?.kept.find(({ index }) => index === open)?.leaf
}

async function slotLeaf(directory: string, open: number): Promise<Uint8Array | undefined> {
  const slot: ReadSlot = await findSlot(directory, open)
  return (splitRecords(slot.records) ?? [])[open - slot.header.first]
}

function eventOf(leaf: Uint8Array | undefined): Uint8Array {
  return leaf === undefined ? new Uint8Array(0) : leaf.subarray(leaf.indexOf(0x0a) + 1)
}
