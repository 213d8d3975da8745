import type { Query } from "@postern/log/query"
import type { Desk } from "./desk.ts"
import { formatEntry, type ReadEntry } from "./entry.ts"
import { proveIndexes } from "./page.ts"
import { scan } from "./scan.ts"

/** What ends or wakes a tail. */
export interface TailPace {
  /** False once the tail has to end; asked before anything is sent. */
  mayGoOn(): boolean
  /** Resolves after `ms`, or as soon as the head moves or the tail has to end. */
  pause(ms: number): Promise<void>
}

/** How far a tail has come. */
export interface TailState {
  /** Index of the next entry to examine. */
  position: number
  /** Entries sent. */
  entries: number
  /** Sent, and not proven yet. */
  readonly unproven: Set<number>
  /** Entries sent that open a stream, as rows or beside them. */
  readonly opened: Set<number>
}

export function startTailState(position: number): TailState {
  return { position, entries: 0, unproven: new Set(), opened: new Set() }
}

const streamOpened = "postern.stream.opened"
const stretch = { rows: 256, bytes: 1_048_576, entries: 4096, ms: 100 }
/** While entries wait for a checkpoint, it is looked for this often. */
const checkpointPollMs = 200

/**
 * The frames of a tail (docs/reference/read-api.md, Tail): entries in order, each stream's opening before its first entry,
 * and a checkpoint with a proof of what was sent as soon as one covers it. Each entry carries its index as id, so that a
 * viewer can go on after a cut; frames without data only move the id.
 */
export async function* tailFrames(
  desk: Desk,
  query: Query,
  state: TailState,
  pace: TailPace,
): AsyncGenerator<string, void, undefined> {
  const { view, limits, elapsedMs } = desk.world
  let sentMs = elapsedMs()
  yield idFrame(state)
  while (pace.mayGoOn()) {
    const isBehind = () =>
      state.position < view.head().size && state.unproven.size < limits.unprovenMax
    let frames = await proofFrame(desk, state)
    if (isBehind()) frames += await entryFrames(desk, query, state)
    const quietMs = limits.heartbeatMs - (elapsedMs() - sentMs)
    if (frames === "" && quietMs <= 0) frames = idFrame(state)
    if (frames !== "") {
      if (!pace.mayGoOn()) return
      yield frames
      sentMs = elapsedMs()
    } else if (!isBehind()) {
      await pace.pause(state.unproven.size > 0 ? Math.min(checkpointPollMs, quietMs) : quietMs)
    }
  }
}

/** Proves all that was sent and that the newest checkpoint covers; empty if that is nothing. */
async function proofFrame(desk: Desk, { unproven }: TailState): Promise<string> {
  const newest = unproven.size === 0 ? undefined : await desk.checkpoints.newest()
  if (newest === undefined) return ""
  const indexes = [...unproven].sort((a, b) => a - b)
  const proof = await proveIndexes(desk, indexes, newest.size)
  if (proof === undefined) return ""
  for (const index of indexes) if (index < newest.size) unproven.delete(index)
  return dataFrame("checkpoint", { checkpoint: newest.note, proof })
}

async function entryFrames(desk: Desk, query: Query, state: TailState): Promise<string> {
  const { openings, world } = desk
  const { view, limits, elapsedMs } = world
  const { size } = view.head()
  const position = { size, from: state.position, to: size }
  const budget = {
    ...stretch,
    rows: Math.min(stretch.rows, limits.unprovenMax - state.unproven.size),
  }
  const plan = { view, openings, query, position, order: "asc", budget, elapsedMs } as const
  const { rows, rest } = await scan(plan)
  let frames = ""
  for (const row of rows) frames += await frameOf(desk, row, state)
  state.position = rest.from
  state.entries += rows.length
  return frames
}

async function frameOf({ openings, world }: Desk, row: ReadEntry, state: TailState) {
  const opening = await openings.of(row)
  let frames = ""
  // A viewer may be told an opening again; what must not happen is that this set grows for ever.
  if (state.opened.size >= world.limits.openingsMax) state.opened.clear()
  const opensStream = opening.index === row.index || row.entry.event.action === streamOpened
  if (opensStream) state.opened.add(row.index)
  if (!state.opened.has(opening.index)) {
    const { writer } = await openings.of(opening)
    frames = dataFrame("opening", formatEntry(opening, writer))
    state.opened.add(opening.index)
    state.unproven.add(opening.index)
  }
  state.unproven.add(row.index)
  return `${frames}id: ${row.index}\n${dataFrame("entry", formatEntry(row, opening.writer))}`
}

/** An event without data: nothing is dispatched, but the viewer's last id moves on. The comment keeps proxies awake. */
function idFrame({ position }: TailState): string {
  return `: \nid: ${position - 1}\n\n`
}

function dataFrame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
