import { encodeUtf8 } from "@postern/log/base"
import { rangePath } from "@postern/log/tlog"
import { findSlot, TreeBuilder } from "../disk/index.ts"
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
  let last: { from: number; to: number; note: Uint8Array } | undefined
  let turn: Promise<unknown> = Promise.resolve()

  async function derive(first: number): Promise<NonNullable<typeof last>> {
    if (last !== undefined && last.from <= first && first < last.to) return last
    const slot = await findSlot(directory, first)
    const { first: from, entries } = slot.header
    tree ??= new TreeBuilder(from, noPeaks)
    tree.restart(from, noPeaks)
    tree.add(slot.records)
    const note = encodeUtf8(await signer.signReceipt(from, entries, tree.rangeRoot()))
    last = { from, to: from + entries, note }
    return last
  }

  async function again(first: number, accepted: number): Promise<DurableSlot> {
    if (accepted === 0) return { note: new Uint8Array(0), rangePath: () => [] }
    const { from, to, note } = await derive(first)
    const builder = tree
    if (builder === undefined) throw new Error("invariant broken: derive() makes the tree")
    const path = rangePath(first, first + accepted, from, to, (level, i) =>
      builder.nodeAt(level, i),
    )
    return { note, rangePath: () => path }
  }

  return (first, accepted) => {
    const mine = turn.then(() => again(first, accepted))
    turn = mine.catch(() => undefined)
    return mine
  }
}
