import { equalBytes } from "@postern/log/base"
import { hashBytes } from "@postern/log/tlog"
import { type ReadSlot, type SegmentStart, TreeBuilder } from "../../disk/index.ts"
import type { DirectoryDraft } from "./checks.ts"
import type { HashFiles } from "./hash-files.ts"

const tileLevels = 7
const namedMax = 3
const hashesAtATime = 8192

/**
 * Re-derives every leaf hash and node from the records and compares them with the slots' roots, the hash files and
 * the `.start` frontiers. Behind damage it takes the frontier from where one is written, and believes it once a
 * slot's root was right with it: so one bad record does not hide what is right behind it.
 */
export class TreeCheck {
  readonly #draft: DirectoryDraft
  readonly #files: HashFiles
  readonly #tree = new TreeBuilder(0, new Uint8Array(64 * hashBytes))
  /** The tree is that of all entries before the next one, root by root. */
  #sound = true
  /** A frontier to try with the next slot. */
  #offered: { readonly size: number; readonly frontier: Uint8Array } | undefined
  #counted = false

  constructor(draft: DirectoryDraft, files: HashFiles) {
    this.#draft = draft
    this.#files = files
  }

  /** The root, if every slot so far led to it. */
  get root(): Uint8Array | undefined {
    return this.#sound ? this.#tree.root() : undefined
  }

  begin(start: SegmentStart, where: string): void {
    const { first, frontier } = start
    if (!this.#sound) {
      this.#offered = { size: first, frontier }
      return
    }
    this.#draft.count("frontiers")
    if (samePeaks(first, frontier, this.#tree.frontier())) return
    const what = "its frontier is not that of the tree before the segment"
    this.#draft.fail("frontiers", "frontier", where, what)
  }

  /**
   * Takes entries below `to` by what the hash files say of them; nodes above are derived. False if there are not so many.
   * To be called before the first slot, with growing numbers.
   */
  async passOver(to: number): Promise<boolean> {
    while (this.#tree.size < to) {
      const from = this.#tree.size
      const count = Math.min(hashesAtATime, to - from)
      const hashes = await this.#files.read(0, from, from + count)
      if (hashes.length < count * hashBytes) {
        this.#sound = false
        return false
      }
      this.#tree.addHashes(hashes)
      await this.#compareHashFiles()
    }
    return true
  }

  /** The hash of an entry, as the files have it. */
  leafHash(index: number): Promise<Uint8Array> {
    return this.#files.read(0, index, index + 1)
  }

  hole(): void {
    this.#sound = false
    this.#offered = undefined
  }

  /** Returns whether the records are as many as the header says. */
  async add(slot: ReadSlot, where: string): Promise<boolean> {
    const { header, records } = slot
    const wasSound = this.#sound
    if (!wasSound) await this.#restart(header.first)
    this.#draft.count("tree", header.entries)
    this.#counted = this.#tree.add(records) === header.entries
    if (!this.#counted) {
      const what = `the records are not ${header.entries} of the lengths they say`
      this.#draft.fail("tree", "records", where, what)
      this.#sound = false
      return false
    }
    this.#sound = equalBytes(this.#tree.root(), header.root)
    if (this.#sound) await this.#compareHashFiles()
    else await this.#blame(where, wasSound)
    return true
  }

  /** Range root of the slot added last; undefined if it had no entry or its records are broken. */
  rangeRoot(entries: number): Uint8Array | undefined {
    return entries > 0 && this.#counted ? this.#tree.rangeRoot() : undefined
  }

  async #restart(first: number): Promise<void> {
    const offered = this.#offered?.size === first ? this.#offered.frontier : undefined
    this.#offered = undefined
    const frontier = offered ?? (await this.#files.frontier(first))
    this.#tree.restart(first, frontier ?? new Uint8Array(64 * hashBytes))
  }

  async #compareHashFiles(): Promise<void> {
    for (let level = 0; level < tileLevels; level++) {
      const { from, hashes } = this.#tree.completed(level)
      if (hashes.length === 0) return
      this.#draft.count("hashes", hashes.length / hashBytes)
      for (const index of await this.#files.differing(level, from, hashes)) {
        const what = "it is not the hash that the records lead to"
        this.#draft.fail("hashes", "hash-file", `hashes/${level}, hash ${index}`, what)
      }
    }
  }

  /** The hash files were written with the slot: where they differ from the records, the record was changed. */
  async #blame(where: string, wasSound: boolean): Promise<void> {
    const { from, hashes } = this.#tree.completed(0)
    const differing = await this.#files.differing(0, from, hashes)
    const named = differing.slice(0, namedMax).join(", ")
    const more = differing.length > namedMax ? ` and ${differing.length - namedMax} more` : ""
    const blamed = differing.length === 0 ? "" : `; hashes/0 differs at entry ${named}${more}`
    const behind = wasSound ? "" : " (what is before it is damaged too)"
    const what = `the records do not lead to the slot's root${blamed}${behind}`
    this.#draft.fail("tree", "root", where, what)
  }
}

/** Only the peaks that a tree of this size has count: the other places may hold anything. */
function samePeaks(size: number, a: Uint8Array, b: Uint8Array): boolean {
  for (let level = 0; 2 ** level <= size; level++) {
    if (Math.floor(size / 2 ** level) % 2 === 0) continue
    const range = [level * hashBytes, (level + 1) * hashBytes] as const
    if (!equalBytes(a.subarray(...range), b.subarray(...range))) return false
  }
  return true
}
