import { equalBytes, formatBase64, isPosternError } from "@postern/log/base"
import { leafHash } from "@postern/log/tlog"
import {
  type KeptEntry,
  type Pruned,
  readSegmentStart,
  type SegmentStart,
} from "../../disk/index.ts"
import type { DirectoryDraft } from "./checks.ts"
import type { Claims } from "./claims.ts"
import type { KeyCheck } from "./key-check.ts"
import type { OwnEntry } from "./own-entry.ts"
import type { SignedSizes } from "./signed-sizes.ts"
import type { TreeCheck } from "./tree-check.ts"

/**
 * The entries that are not there any more at the beginning of the log (docs/spec/retention.md): their hashes are and lead to
 * the tree behind them, and an entry says that they went. Then they are gone by rule; else the log is damaged.
 */
export class PrefixCheck {
  readonly #directory: string
  readonly #draft: DirectoryDraft
  readonly #pruned: Pruned | undefined
  #isSaid = false

  constructor(directory: string, draft: DirectoryDraft, pruned: Claims["pruned"]) {
    this.#directory = directory
    this.#draft = draft
    this.#pruned = pruned === "unreadable" ? undefined : pruned
    if (pruned === undefined) draft.omit("retention")
  }

  /** What was kept of the entries that went. */
  get kept(): readonly KeptEntry[] {
    return this.#pruned?.kept ?? []
  }

  /** The start of the segment that the log begins with now; undefined if it is the first one, or cannot be read. */
  async pass(
    tree: TreeCheck,
    signed: SignedSizes,
    keys: KeyCheck,
  ): Promise<SegmentStart | undefined> {
    if (this.#pruned === undefined) return undefined
    const { minimum, root, kept } = this.#pruned
    this.#draft.fact("pruned", minimum)
    this.#draft.count("retention", minimum)
    for (const size of [...signed.below(minimum), minimum]) {
      if (!(await tree.passOver(size))) {
        this.#draft.fail("hashes", "hash-file", "hashes/0", `it ends before entry ${size}`)
        break
      }
      signed.reached(size, tree.root)
    }
    if (tree.root !== undefined && !equalBytes(tree.root, root)) {
      const what = `the hash files lead to another root for ${minimum} entries`
      this.#draft.fail("retention", "pruned-root", "pruned", what)
    }
    for (const { index, leaf } of kept) await this.#compareKept(tree, index, leaf)
    for (const { index, leaf } of keys.below(minimum)) {
      if (equalBytes(leafHash(leaf), await tree.leafHash(index))) keys.entry(leaf, index)
    }
    return this.#readStart(minimum)
  }

  async #compareKept(tree: TreeCheck, index: number, leaf: Uint8Array): Promise<void> {
    if (equalBytes(leafHash(leaf), await tree.leafHash(index))) return
    const what = "the entry that was kept has another hash than the one that stood there"
    this.#draft.fail("retention", "kept-entry", `entry ${index}`, what)
  }

  /** The walk says what is wrong with it. */
  async #readStart(minimum: number): Promise<SegmentStart | undefined> {
    try {
      return await readSegmentStart(this.#directory, minimum)
    } catch (error) {
      if (isPosternError(error) || (error as NodeJS.ErrnoException).code === "ENOENT")
        return undefined
      throw error
    }
  }

  /** An entry of the port's own that says what went. */
  said({ to, root }: OwnEntry & { kind: "pruned" }): void {
    if (this.#pruned === undefined || to !== this.#pruned.minimum) return
    if (root === formatBase64(this.#pruned.root)) this.#isSaid = true
  }

  /** @param damaged not every entry could be read */
  finish(damaged: boolean): void {
    if (this.#pruned === undefined || this.#isSaid) return
    const what = `no entry says that entries 0 to ${this.#pruned.minimum} went`
    if (damaged) this.#draft.cannot("retention", `${what}, and not every entry could be read`)
    else this.#draft.fail("retention", "pruned-unsaid", "pruned", what)
  }
}
