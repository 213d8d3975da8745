import { deriveNonce } from "@postern/log/event"
import { type BatchRow, batchKind, type ReadSlot } from "../../disk/index.ts"
import type { DirectoryDraft } from "./checks.ts"
import { checkStamp, type StampRow } from "./stamp-bytes.ts"

export interface Thoroughness {
  /** Everything instead of samples. */
  readonly full: boolean
  /** From 0 (included) to 1: decides what is in a sample. */
  readonly chance: () => number
}

/** One in so many nonces and receipt signatures is looked at, unless all are. */
export const sampleOf = 64

/** What `c` is more by where the policy changed the event; a row says nothing of it. */
const policyChanged = 4

/** A row with its entries. */
export interface RowRecords {
  readonly row: BatchRow
  /** Views of the slot. */
  readonly leaves: readonly Uint8Array[]
  /** Every stamp is well written and agrees with the row. */
  readonly stamped: boolean
  /** The policy changed one of the events at least. */
  readonly altered: boolean
}

/**
 * The rows of a slot's batch table against its records: counts, ranges, and every stamp. The records were found to
 * be as many as the header says.
 */
export class BatchCheck {
  readonly #draft: DirectoryDraft
  readonly #how: Thoroughness

  constructor(draft: DirectoryDraft, how: Thoroughness) {
    this.#draft = draft
    this.#how = how
  }

  /** @param leaves the slot's. Gives the rows with theirs; undefined if they cannot be told apart. */
  check(slot: ReadSlot, leaves: readonly Uint8Array[], where: string): RowRecords[] | undefined {
    const { header, rows } = slot
    this.#draft.count("batches", rows.length)
    const found: { row: BatchRow; leaves: readonly Uint8Array[] }[] = []
    let next = header.first
    for (const [i, row] of rows.entries()) {
      const fault = faultOf(row, next)
      if (fault !== undefined) {
        this.#draft.fail("batches", fault.code, `${where}, batch ${i}`, fault.what)
        if (fault.code === "batch-range") return undefined
      }
      const from = next - header.first
      next += row.accepted
      found.push({ row, leaves: leaves.slice(from, from + row.accepted) })
    }
    if (next !== header.first + header.entries) {
      const what = `${next - header.first} entries are in batches, ${header.entries} in the slot`
      this.#draft.fail("batches", "batch-range", where, what)
      return undefined
    }
    return found.map((one) => ({ ...one, ...this.#checkStamps(one.row, one.leaves) }))
  }

  #checkStamps(
    row: BatchRow,
    leaves: readonly Uint8Array[],
  ): Pick<RowRecords, "stamped" | "altered"> {
    if (leaves.length === 0) return { stamped: true, altered: false }
    this.#draft.count("stamps", leaves.length)
    const expected = expectedStamps(row)
    let least = row.sequence
    let stamped = true
    let altered = false
    for (const [i, leaf] of leaves.entries()) {
      const stamp = checkStamp(leaf, expected)
      if (stamp.fault !== undefined) {
        this.#draft.fail("stamps", "stamp", `entry ${row.first + i}`, stamp.fault)
        stamped = false
        continue
      }
      const { sequence } = stamp
      altered ||= stamp.altered
      // An accepted batch has one entry for each event; where some were refused, their sequences are left out.
      const most = row.sequence + row.events - (leaves.length - i)
      if (sequence < least || sequence > most) {
        const what = `sequence ${sequence} stands where ${least} to ${most} may`
        this.#draft.fail("stamps", "stamp-sequence", `entry ${row.first + i}`, what)
        stamped = false
      } else if (this.#how.full || this.#how.chance() * sampleOf < 1) {
        this.#checkNonce(row, row.first + i, sequence, stamp.nonce())
      }
      least = sequence + 1
    }
    return { stamped, altered }
  }

  #checkNonce(row: BatchRow, index: number, sequence: number, nonce: string): void {
    this.#draft.count("nonces")
    const derived = deriveNonce(row.seed, sequence - row.sequence)
    if (Buffer.from(derived).toString("base64url") === nonce) return
    this.#draft.fail("nonces", "nonce", `entry ${index}`, "it does not come from the batch's seed")
  }
}

function expectedStamps({ received, open, changed }: BatchRow): StampRow {
  return {
    head: Buffer.from(`{"r":${received},"o":${open},"q":`, "latin1"),
    tail: tailOf(changed),
    alteredTail: tailOf(changed + policyChanged),
  }
}

function tailOf(changed: number): Uint8Array {
  return Buffer.from(changed === 0 ? '"}\n' : `","c":${changed}}\n`, "latin1")
}

function faultOf(row: BatchRow, next: number): { code: string; what: string } | undefined {
  const { accepted, events, first, kind, changed } = row
  if (first !== next || accepted > events) {
    const what = `entries from ${first}, ${accepted} of ${events} events; ${next} comes next`
    return { code: "batch-range", what }
  }
  const known = Object.values(batchKind).some((each) => each === kind) && changed < policyChanged
  if (!known) return { code: "batch-kind", what: `kind ${kind}, changed ${changed}` }
  if (kind === batchKind.gap && accepted > 0) {
    return { code: "batch-kind", what: `a gap with ${accepted} entries` }
  }
  return undefined
}
