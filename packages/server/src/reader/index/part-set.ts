import type { Group } from "./group.ts"
import type { Part } from "./part.ts"

/** Parts that lie one behind the other, as they were when somebody asked; they stay open until `release`. */
export interface Holding {
  /** Ascending, without a gap. */
  readonly parts: readonly Part[]
  release(): void
}

/**
 * The parts of an index, from files and in memory. What is exchanged for something else stays open for those who hold it.
 */
export class PartSet {
  #files: readonly Part[] = []
  #pieces: readonly Part[] = []
  readonly #held = new Map<Part, number>()
  readonly #retired = new Set<Part>()
  /** Index of the log's oldest entry: nothing before it is missing. */
  #start: number

  constructor(start: number) {
    this.#start = start
  }

  /** By the first entry of each part in them. A group is as good as its parts are: it is asked only about those it was made of. */
  readonly groups = new Map<number, { readonly group: Group; readonly place: number }>()

  addGroup(group: Group): void {
    for (const [place, { first }] of group.members.entries())
      this.groups.set(first, { group, place })
  }

  get groupBytes(): number {
    const groups = new Set([...this.groups.values()].map(({ group }) => group))
    return [...groups].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get files(): readonly Part[] {
    return this.#files
  }

  get pieces(): readonly Part[] {
    return this.#pieces
  }

  addFile(part: Part): void {
    const clash = this.#files.filter((other) => other.first < part.end && part.first < other.end)
    for (const other of clash) this.#retire(other)
    const kept = this.#files.filter((other) => !clash.includes(other))
    this.#files = [...kept, part].sort((a, b) => a.first - b.first)
    const covered = this.#pieces.filter((piece) => piece.first < part.end)
    for (const piece of covered) this.#retire(piece)
    this.#pieces = this.#pieces.filter((piece) => !covered.includes(piece))
  }

  /** A piece takes the place of all that begin with it or behind it. */
  addPiece(piece: Part): void {
    const replaced = this.#pieces.filter((other) => other.first >= piece.first)
    for (const other of replaced) this.#retire(other)
    this.#pieces = [...this.#pieces.filter((other) => !replaced.includes(other)), piece]
  }

  /** The log begins at `minimum` now: what is before goes, and what was made of it. */
  prune(minimum: number): void {
    this.#start = Math.max(this.#start, minimum)
    for (const part of [...this.#files, ...this.#pieces])
      if (part.first < minimum) this.remove(part)
    const groups = new Set([...this.groups.values()].map(({ group }) => group))
    for (const group of groups) {
      if (group.first >= minimum) continue
      for (const { first } of group.members) this.groups.delete(first)
      group.close()
    }
  }

  remove(part: Part): void {
    if (!this.#files.includes(part) && !this.#pieces.includes(part)) return
    this.#files = this.#files.filter((other) => other !== part)
    this.#pieces = this.#pieces.filter((other) => other !== part)
    this.#retire(part)
  }

  clear(): void {
    for (const part of [...this.#files, ...this.#pieces]) this.remove(part)
    for (const group of new Set([...this.groups.values()].map(({ group }) => group))) group.close()
    this.groups.clear()
  }

  /** Entries from the log's start to the first that is in no part. */
  get end(): number {
    return this.#joined().at(-1)?.end ?? this.#start
  }

  #joined(): readonly Part[] {
    const joined: Part[] = []
    let end = this.#start
    for (const part of [...this.#files, ...this.#pieces]) {
      if (part.first !== end) {
        if (part.end <= end) continue
        break
      }
      joined.push(part)
      end = part.end
    }
    return joined
  }

  hold(): Holding {
    const parts = this.#joined()
    for (const part of parts) this.#held.set(part, (this.#held.get(part) ?? 0) + 1)
    return {
      parts,
      release: () => {
        for (const part of parts) this.#release(part)
      },
    }
  }

  #release(part: Part): void {
    const left = (this.#held.get(part) ?? 1) - 1
    if (left > 0) {
      this.#held.set(part, left)
      return
    }
    this.#held.delete(part)
    if (this.#retired.delete(part)) part.close()
  }

  #retire(part: Part): void {
    if (this.#held.has(part)) this.#retired.add(part)
    else part.close()
  }
}
