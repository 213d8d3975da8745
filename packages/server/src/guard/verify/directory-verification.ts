import { basename } from "node:path"
import { equalBytes, formatBase64 } from "@postern/log/base"
import {
  type Head,
  type ReadSlot,
  type SegmentStart,
  segmentPath,
  splitRecords,
} from "../../disk/index.ts"
import { BatchCheck, type Thoroughness } from "./batch-check.ts"
import { contentChecks, type DirectoryDraft, directoryChecks } from "./checks.ts"
import { type Claims, readClaims } from "./claims.ts"
import { type AskDisclosure, concernsValues, DisclosureCheck } from "./disclosure-check.ts"
import { HashFiles } from "./hash-files.ts"
import { KeyCheck } from "./key-check.ts"
import { LogWalk, type WalkVisitor } from "./log-walk.ts"
import { OffsetsCheck } from "./offsets-check.ts"
import { PrefixCheck } from "./prefix-check.ts"
import { ReceiptCheck } from "./receipt-check.ts"
import { Draft, type Report } from "./report.ts"
import { SignedSizes } from "./signed-sizes.ts"
import { StreamCheck } from "./stream-check.ts"
import { TreeCheck } from "./tree-check.ts"

export interface DirectoryOptions {
  /** The log's verifier key, from somewhere else than the directory; without it signatures are `unknown`. */
  readonly vkey?: string | undefined
  /** Other keys that are pinned beside it: its root key, newer ones. */
  readonly others?: readonly string[]
  /** Every signature, nonce and chain digest instead of samples. */
  readonly full?: boolean
  /** Asks for the values that are kept beside the log; without it they are only counted. */
  readonly disclosures?: AskDisclosure | undefined
  /** Called after each slot: entries done, and in all. */
  readonly progress?: (entries: number, of: number) => void
  /** From 0 (included) to 1; default Math.random. */
  readonly chance?: () => number
}

/**
 * Verifies a log directory from its first entry to its head: every hash is derived again from the records, every
 * claim of the other files is compared with them. Reads only, takes no lock, may run beside the port. What is wrong
 * is in the report. Errors: NOT_FOUND if it is no log directory, LOG_FORMAT, LOG_DAMAGED if log.json cannot be read.
 */
export async function verifyDirectory(
  path: string,
  options: DirectoryOptions = {},
): Promise<Report> {
  const draft: DirectoryDraft = new Draft(directoryChecks)
  const claims = await readClaims(path, draft)
  const { vkey, others = [] } = options
  const keys = await KeyCheck.open(draft, claims, vkey === undefined ? [] : [vkey, ...others])
  const signed = await SignedSizes.open(draft, claims, keys)
  const verification = new DirectoryVerification(path, draft, claims, { signed, keys }, options)
  try {
    return await verification.run()
  } finally {
    await verification.close()
  }
}

class DirectoryVerification implements WalkVisitor {
  readonly #path: string
  readonly #draft: DirectoryDraft
  readonly #claims: Claims
  readonly #signed: SignedSizes
  readonly #keys: KeyCheck
  readonly #progress: (entries: number, of: number) => void
  readonly #files: HashFiles
  readonly #tree: TreeCheck
  readonly #batches: BatchCheck
  readonly #streams: StreamCheck
  readonly #receipts: ReceiptCheck
  readonly #offsets: OffsetsCheck
  readonly #disclosures: DisclosureCheck
  readonly #prefix: PrefixCheck
  #size = 0
  #lastSlot = -1
  #damaged = false

  constructor(
    path: string,
    draft: DirectoryDraft,
    claims: Claims,
    { signed, keys }: { readonly signed: SignedSizes; readonly keys: KeyCheck },
    options: DirectoryOptions,
  ) {
    const { full = false, chance = Math.random, progress = () => undefined } = options
    const how: Thoroughness = { full, chance }
    const { origin } = claims
    this.#path = path
    this.#draft = draft
    this.#claims = claims
    this.#signed = signed
    this.#keys = keys
    this.#progress = progress
    this.#files = new HashFiles(path)
    this.#tree = new TreeCheck(draft, this.#files)
    this.#batches = new BatchCheck(draft, how)
    this.#receipts = new ReceiptCheck(draft, how, {
      origin,
      certifiers: keys.trust === undefined ? undefined : (index) => keys.certifiers(index),
      signedSize: signed.signedSize,
    })
    this.#streams = new StreamCheck(draft, full, {
      started: (entry, index) => this.#receipts.started(entry, index),
      key: (leaf, index) => keys.entry(leaf, index),
      pruned: (entry) => this.#prefix.said(entry),
    })
    this.#prefix = new PrefixCheck(path, draft, claims.pruned)
    this.#offsets = new OffsetsCheck(path, draft)
    this.#disclosures = new DisclosureCheck(draft, options.disclosures)
    if (!full) {
      draft.note("nonces", "a sample; --full takes all")
      draft.note("receipt-signatures", "a sample below the checkpoint; --full takes all")
    }
  }

  async run(): Promise<Report> {
    const { head, origin } = this.#claims
    const begin = await this.#passPruned()
    this.#disclosures.beginsAt(begin?.first ?? 0)
    const walk = new LogWalk(this.#path, head, this.#draft, this, begin)
    await walk.run()
    this.#prefix.finish(this.#damaged)
    this.#disclosures.finish()
    this.#streams.finish(this.#lastSlot)
    this.#signed.finish(head?.size ?? this.#size, this.#damaged)
    this.#keys.finish(this.#signed.publishedSize, this.#damaged)
    this.#compareHead(head, walk)
    if (this.#size === 0) this.#draft.cannot("tree", "the log has no entry yet")
    const root = this.#tree.root
    return this.#draft.finish({
      origin,
      size: this.#size,
      root: root === undefined ? undefined : formatBase64(root),
    })
  }

  /** What is not there any more is taken by its hashes. */
  async #passPruned(): Promise<SegmentStart | undefined> {
    const begin = await this.#prefix.pass(this.#tree, this.#signed, this.#keys)
    if (begin === undefined) return undefined
    this.#receipts.hole()
    this.#streams.beginPruned(this.#prefix.kept, begin)
    return begin
  }

  segment(first: number, start: SegmentStart | undefined): void {
    if (start === undefined) return
    const where = basename(segmentPath(this.#path, first, "start"))
    this.#tree.begin(start, where)
    this.#streams.begin(start, where)
  }

  hole(from: number, to: number): void {
    this.#damaged = true
    this.#tree.hole()
    this.#streams.hole()
    this.#receipts.hole()
    for (const check of contentChecks) {
      this.#draft.cannot(check, `entries ${from} to ${to} could not be read`)
    }
  }

  async locked(from: number, to: number): Promise<void> {
    this.#damaged = true
    for (const size of [...this.#signed.below(to), to]) {
      if (size <= from) continue
      // Their hashes are not encrypted: the tree goes on, and what is signed must have its root.
      if (!(await this.#tree.passOver(size))) break
      this.#signed.reached(size, this.#tree.root)
    }
    this.#size = to
    this.#streams.hole()
    this.#receipts.locked()
    for (const check of [...contentChecks, "disclosures"] as const) {
      this.#draft.cannot(check, `entries ${from} to ${to} are encrypted, and their key is not here`)
    }
  }

  async slot(slot: ReadSlot, segmentFirst: number): Promise<void> {
    const { header } = slot
    const { first, entries } = header
    const where = `slot ${header.slot}, entries ${first} to ${first + entries}`
    const whole = await this.#tree.add(slot, where)
    const leaves = whole ? splitRecords(slot.records) : undefined
    if (leaves === undefined) this.#skip(where)
    else await this.#contents(slot, leaves, segmentFirst, where)
    await this.#receipts.slot(slot, this.#tree.rangeRoot(entries), where)
    this.#lastSlot = header.slot
    this.#size = first + entries
    this.#signed.reached(this.#size, this.#tree.root)
    this.#progress(this.#size, this.#claims.head?.size ?? this.#size)
  }

  async #contents(
    slot: ReadSlot,
    leaves: readonly Uint8Array[],
    segmentFirst: number,
    where: string,
  ): Promise<void> {
    await this.#offsets.check(slot, leaves, segmentFirst)
    if (concernsValues(slot.records)) await this.#values(slot.header.first, leaves)
    const rows = this.#batches.check(slot, leaves, where)
    if (rows === undefined) return this.#skip(where)
    for (const [i, row] of rows.entries()) {
      this.#streams.row(row, slot.header.slot, `${where}, batch ${i}`)
    }
  }

  async #values(first: number, leaves: readonly Uint8Array[]): Promise<void> {
    for (const [i, leaf] of leaves.entries()) await this.#disclosures.leaf(leaf, first + i)
  }

  #skip(where: string): void {
    this.#damaged = true
    this.#streams.hole()
    for (const check of ["stamps", "nonces", "streams"] as const) {
      this.#draft.cannot(check, `${where}: the records cannot be told apart`)
    }
  }

  #compareHead(head: Head | undefined, walk: LogWalk): void {
    if (head === undefined) {
      if (this.#size === 0) this.#draft.cannot("head", "there is none before the first entry")
      else this.#draft.fail("head", "head-missing", "head", "there is no whole head record")
      return
    }
    this.#draft.count("head")
    const { last, end } = walk
    if (last?.slot !== head.slot) {
      this.#draft.cannot("head", "the slot that it names was not found")
      return
    }
    const same =
      last.first + last.entries === head.size &&
      end?.segment === head.segment &&
      end.at === head.end &&
      last.time === head.time &&
      equalBytes(last.root, head.root)
    if (!same) {
      const what = `it says other things of slot ${head.slot} than the slot itself`
      this.#draft.fail("head", "head-contradicts", "head", what)
    }
  }

  async close(): Promise<void> {
    await this.#files.close()
    await this.#offsets.close()
  }
}
