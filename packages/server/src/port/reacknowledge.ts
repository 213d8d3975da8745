import { encodeUtf8, isPosternError } from "@postern/log/base"
import { parseStamp, splitLeaf } from "@postern/log/event"
import { rangePath, rangeRoot } from "@postern/log/tlog"
import type { AlteredChange, AlteredEvent } from "@postern/log/wire"
import { findSlot, followLog, splitRecords, TreeBuilder } from "../disk/index.ts"
import type { DurableSlot } from "./session/index.ts"
import type { Signer } from "./signer/index.ts"

/** The acknowledgement of the batch of `accepted` entries from `first` on, which are durable. */
export type Reacknowledge = (first: number, accepted: number) => Promise<DurableSlot>

/**
 * Makes acknowledgements again for batches that are on disk: the slot's hashes are derived anew, and since Ed25519 is
 * deterministic (RFC 8032 §5.1.6) signing the same text again gives the original receipt. Rare, so one at a time.
 */
export function createReacknowledger(directory: string, signer: Signer): Reacknowledge {
  const noPeaks = new Uint8Array(64 * 32)
  let tree: TreeBuilder | undefined
  let last: { from: number; to: number; note: Uint8Array; records: Uint8Array } | undefined
  let turn: Promise<unknown> = Promise.resolve()

  async function derive(first: number): Promise<NonNullable<typeof last>> {
    if (last !== undefined && last.from <= first && first < last.to) return last
    const slot = await findSlot(directory, first)
    const { first: from, entries } = slot.header
    tree ??= new TreeBuilder(from, noPeaks)
    tree.restart(from, noPeaks)
    tree.add(slot.records)
    const note = encodeUtf8(await signer.signReceipt(from, entries, tree.rangeRoot()))
    last = { from, to: from + entries, note, records: slot.records }
    return last
  }

  async function again(first: number, accepted: number): Promise<DurableSlot> {
    if (accepted === 0) return { note: new Uint8Array(0), rangePath: () => [] }
    const made = await derive(first).catch((error) => {
      if (isPosternError(error) && error.code === "ENTRY_PRUNED") return undefined
      throw error
    })
    if (made === undefined) return fromHashes(first, accepted)
    const { from, to, note, records } = made
    const builder = tree
    if (builder === undefined) throw new Error("invariant broken: derive() makes the tree")
    const path = rangePath(first, first + accepted, from, to, (level, i) =>
      builder.nodeAt(level, i),
    )
    const leaves = (splitRecords(records) ?? []).slice(first - from, first + accepted - from)
    return { note, rangePath: () => path, altered: leaves.flatMap(alteredOf) }
  }

  /** The slot was removed by the retention rule, and its borders with it: a receipt of just these entries says the same. */
  async function fromHashes(first: number, accepted: number): Promise<DurableSlot> {
    const view = await followLog(directory)
    const hashes = await view.hashes(0, first, first + accepted).finally(() => view.close())
    const root = rangeRoot(first, hashes)
    const note = encodeUtf8(await signer.signReceipt(first, accepted, root))
    return { note, rangePath: () => [] }
  }

  return (first, accepted) => {
    const mine = turn.then(() => again(first, accepted))
    turn = mine.catch(() => undefined)
    return mine
  }
}

/** An entry that the policy changed, as its writer is told of it; its sequence stands for its position. */
function alteredOf(leaf: Uint8Array): AlteredEvent[] {
  const { stamp, event } = splitLeaf(leaf)
  const { changed, sequence } = parseStamp(Buffer.from(stamp).toString("latin1"))
  return changed < 4 ? [] : [{ position: sequence, changed: changed as AlteredChange, event }]
}
