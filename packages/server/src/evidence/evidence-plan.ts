import { encodeUtf8, PosternError } from "@postern/log/base"
import {
  type BatchLine,
  claimBytesMax,
  type EvidenceHead,
  type EvidenceKind,
  EvidenceWriter,
  evidenceLimits,
  parseKeyProofs,
} from "@postern/log/evidence"
import { parseCheckpoint, parseNote, proveSeveral } from "@postern/log/tlog"
import type { DisclosureSource } from "../disclosures/index.ts"
import type { LogView } from "../disk/index.ts"
import type { BatchSlots } from "./batch-slots.ts"
import { type Disclosed, findDisclosed } from "./disclosed.ts"
import { readLeaves, stampOf } from "./leaf-reading.ts"
import { type QueryAsk, searchQuery } from "./query-search.ts"
import { findOpening, findStream, tooMany } from "./stream-search.ts"

/** What somebody wants proven. */
export type EvidenceAsk =
  | { readonly kind: "range"; readonly first: number; readonly count: number }
  /** The whole stream that this entry opened, or the newest one with this id. */
  | { readonly kind: "stream"; readonly stream: number | string }
  | { readonly kind: "indexes"; readonly indexes: readonly number[] }
  | QueryAsk

export interface PlanOptions {
  /** Told once, if the newest checkpoint does not cover what was asked for yet. */
  readonly onWait?: (size: number) => void
  /** How long to wait for a checkpoint that does. */
  readonly waitMs?: number
  readonly leavesMax?: number
  /** Where the values are that were kept out of the leaves; undefined: none is to be in the file. */
  readonly disclosures?: DisclosureSource
}

/** A file that can be written: nothing in it is missing from the log. */
export interface EvidencePlan {
  readonly head: EvidenceHead
  /** Entries of the checkpoint's tree. */
  readonly size: number
  readonly note: string
  /** Ascending. */
  readonly leaves: readonly number[]
  /** Ascending, none of them a leaf. */
  readonly context: readonly number[]
  readonly batches: readonly BatchLine[]
  /** Values that were kept out of the leaves, and are to be in the file. */
  readonly disclosed: Disclosed
  /** Of a stream: sequence after its last batch, if what lies before it is not accounted for yet. */
  readonly beyond: number | undefined
}

const waitMsMax = 10_000
/** Witnesses that are well answer within a second or two. */
const witnessWaitMsMax = 5_000
const pollMs = 100

/**
 * Finds what was asked for and a checkpoint that covers it: one that is witnessed, if the log has witnesses and they are well;
 * else the newest one, or the next.
 * @throws PosternError NOT_FOUND if the log does not hold it, nothing fits the query, or no checkpoint covers it in time ·
 *   REQUEST_INVALID if it is too much for one file · LOG_DAMAGED
 */
export async function planEvidence(
  view: LogView,
  slots: BatchSlots,
  ask: EvidenceAsk,
  options: PlanOptions = {},
): Promise<EvidencePlan> {
  const most = options.leavesMax ?? evidenceLimits.leavesMax
  const needed = await neededSize(view, ask, most)
  const { size, note } = await awaitCheckpoint(view, needed, options)
  const found = await findLeaves(view, slots, ask, size, most)
  const { leaves, claim, batches, beyond, opening } = found
  if (leaves.length === 0) throw new PosternError("NOT_FOUND", "there is nothing to prove")
  if (leaves.length > most) throw tooMany(most)
  if (encodeUtf8(JSON.stringify(claim)).length > claimBytesMax) {
    throw new PosternError("REQUEST_INVALID", "the question is too long to stand in the file")
  }
  const evidence: EvidenceKind = ask.kind === "range" || ask.kind === "stream" ? ask.kind : "set"
  const head = { origin: view.origin, evidence, claim, count: leaves.length }
  const context = await contextOf(view, leaves, opening)
  const disclosed = await findDisclosed(view, leaves, options.disclosures)
  return { head, size, note, leaves, context, batches, disclosed, beyond }
}

/** The smallest tree that holds what was asked for. */
async function neededSize(view: LogView, ask: EvidenceAsk, most: number): Promise<number> {
  const { size } = view.head()
  // What fits a query or stands in a stream is looked for in all that is published now.
  const published = readNote(view, await view.checkpoint())
  let needed = ask.kind === "query" || ask.kind === "stream" ? (published?.size ?? 1) : 1
  if (ask.kind === "range") {
    if (ask.count < 1) throw new PosternError("REQUEST_INVALID", "a range of no entries")
    if (ask.count > most) throw tooMany(most)
    needed = ask.first + ask.count
  }
  if (ask.kind === "indexes") {
    if (ask.indexes.length > most) throw tooMany(most)
    needed = ask.indexes.reduce((top, index) => Math.max(top, index), -1) + 1
  }
  if (ask.kind === "stream" && typeof ask.stream === "number")
    needed = Math.max(needed, ask.stream + 1)
  if (needed > size) throw new PosternError("NOT_FOUND", `the log has ${size} entries`)
  return needed
}

async function awaitCheckpoint(
  view: LogView,
  needed: number,
  { onWait, waitMs = waitMsMax }: PlanOptions,
): Promise<{ size: number; note: string }> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const witnessed = readNote(view, await view.witnessed())
    if (witnessed !== undefined && witnessed.size >= needed) return witnessed
    const newest = readNote(view, await view.checkpoint())
    const isEnough = witnessed === undefined || waitedMs >= Math.min(waitMs, witnessWaitMsMax)
    if (newest !== undefined && newest.size >= needed && isEnough) return newest
    if (waitedMs === 0) onWait?.(newest?.size ?? 0)
    if (waitedMs >= waitMs) {
      throw new PosternError("NOT_FOUND", `no checkpoint covers entry ${needed - 1} yet`)
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

function readNote(
  view: LogView,
  note: string | undefined,
): { size: number; note: string } | undefined {
  if (note === undefined) return undefined
  const { size } = parseCheckpoint(parseNote(note).text)
  // The file can be a moment ahead of the head that the view has seen.
  return size <= view.head().size ? { size, note } : undefined
}

interface FoundLeaves {
  readonly leaves: readonly number[]
  readonly claim: Readonly<Record<string, unknown>>
  readonly batches: readonly BatchLine[]
  readonly beyond: number | undefined
  /** Index of the opening entry of the stream that it is about. */
  readonly opening: number | undefined
}

const plain = { batches: [], beyond: undefined, opening: undefined }

async function findLeaves(
  view: LogView,
  slots: BatchSlots,
  ask: EvidenceAsk,
  size: number,
  most: number,
): Promise<FoundLeaves> {
  switch (ask.kind) {
    case "range": {
      const { first, count } = ask
      const leaves = Array.from({ length: count }, (_, i) => first + i)
      return { ...plain, leaves, claim: { first, count } }
    }
    case "indexes": {
      const leaves = [...new Set(ask.indexes)].sort((a, b) => a - b)
      const claim = leaves.length <= 100 ? { indexes: leaves } : { indexes: "by number" }
      return { ...plain, leaves, claim }
    }
    case "query": {
      const leaves = await searchQuery(view, ask.query, size, most)
      return { ...plain, leaves, claim: { ...ask.asked } }
    }
    case "stream": {
      const { stream } = ask
      const { minimum } = view.head()
      const open =
        typeof stream === "number" ? stream : await findOpening(slots, stream, { minimum, size })
      const { indexes, batches, next, last } = await findStream(slots, open, size, most)
      const claim = { open, first: 0, next }
      const beyond = last > next ? last : undefined
      return { leaves: indexes, claim, batches, beyond, opening: open }
    }
  }
}

/** The opening entries of the streams that the leaves stand in, and of those that these stand in. */
async function contextOf(
  view: LogView,
  leaves: readonly number[],
  opening: number | undefined,
): Promise<number[]> {
  const opens = new Set<number>(opening === undefined ? [] : [opening])
  for await (const leaf of readLeaves(view, leaves)) opens.add(stampOf(leaf).open)
  const first = [...opens].sort((a, b) => a - b)
  for await (const leaf of readLeaves(view, first)) opens.add(stampOf(leaf).open)
  const own = new Set(leaves)
  return [...opens].filter((index) => !own.has(index)).sort((a, b) => a - b)
}

/** The file, a line at a time; unpacked. */
export async function* evidenceLines(
  view: LogView,
  plan: EvidencePlan,
): AsyncGenerator<Uint8Array, void> {
  const { head, note, leaves, context, batches, size, disclosed } = plan
  let lines: Uint8Array[] = []
  const taken = () => {
    const given = lines
    lines = []
    return given
  }
  const writer = new EvidenceWriter((line) => void lines.push(line))
  await writer.head(head)
  await writer.note(note)
  for (const proof of parseKeyProofs(await view.keys())) {
    if (proof.index < size) await writer.key(proof)
  }
  yield* taken()
  const others = new Set(context)
  const all = [...leaves, ...context].sort((a, b) => a - b)
  for await (const { index, leaf } of readLeaves(view, all)) {
    if (others.has(index)) await writer.context(index, leaf)
    else await writer.leaf(index, leaf)
    yield* taken()
    for (const digest of disclosed.digests.get(index) ?? []) {
      const found = await disclosed.source?.read(digest, index)
      // Those behind it may be named by it.
      if (found?.state !== "held") break
      await writer.disclosure(found.json)
      yield* taken()
    }
  }
  for (const batch of batches) await writer.batch(batch)
  yield* taken()
  await writer.path(await proveSeveral(all, size, (...span) => view.hashes(...span)))
  await writer.end()
  yield* taken()
}
