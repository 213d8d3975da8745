import type { Decisions } from "../crash/decisions.ts"
import { Content } from "./content.ts"

export const sectorBytes = 512

/** One write or one truncation, in the order in which processes saw them. */
type Change =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly size: number }

/**
 * A file in two states: what processes read (the page cache), and what is on the medium. A change is on the medium once
 * a sync that began after it has ended well; until then a power loss may take any of its sectors.
 */
export class SimulatedFile {
  #seen = new Content()
  #stable = new Content()
  #waiting: Change[] = []
  /** How many syncs have failed. Each open file is told once of each, as Linux does it. */
  failures = 0

  get size(): number {
    return this.#seen.size
  }

  /** What a process reads; what is on the medium. Views, until the next change. */
  get seen(): Buffer {
    return this.#seen.bytes
  }

  get stable(): Buffer {
    return this.#stable.bytes
  }

  write(bytes: Buffer, at: number): void {
    this.#seen.put(bytes, at)
    this.#waiting.push({ kind: "write", at, bytes })
  }

  truncate(size: number): void {
    this.#seen.resize(size)
    this.#waiting.push({ kind: "truncate", size })
  }

  /** Begins a sync; the answer ends it. What comes in between is not covered. */
  beginSync(): (well: boolean) => void {
    const covered = new Set(this.#waiting)
    return (well) => {
      const done = this.#waiting.filter((change) => covered.has(change))
      this.#waiting = this.#waiting.filter((change) => !covered.has(change))
      // After a failure the pages count as clean although they never reached the medium: nothing writes them again.
      if (well) for (const change of done) this.#store(change)
      else this.failures += 1
    }
  }

  #store(change: Change): void {
    if (change.kind === "truncate") this.#stable.resize(change.size)
    else this.#stable.put(change.bytes, change.at)
  }

  /** The medium after a power loss: of what no sync covers, sectors with this probability, in any combination. */
  losePower(decisions: Decisions, kept: number): void {
    const sizeBefore = this.#stable.size
    for (const change of this.#waiting) {
      if (kept === 1) this.#store(change)
      else if (change.kind === "write") this.#storeSectors(change, decisions, kept)
      else if (decisions.chance(kept)) this.#store(change)
    }
    // The new length may be lost although sectors behind the old one were written.
    if (this.#stable.size > sizeBefore && kept < 1 && decisions.chance(0.3)) {
      this.#stable.resize(sizeBefore)
    }
    this.#waiting = []
    this.#seen = new Content(this.#stable.bytes)
  }

  #storeSectors(
    { at, bytes }: { readonly at: number; readonly bytes: Buffer },
    decisions: Decisions,
    kept: number,
  ): void {
    if (kept === 0) return
    for (let from = 0; from < bytes.length; ) {
      const to = Math.min(bytes.length, from + sectorBytes - ((at + from) % sectorBytes))
      if (decisions.chance(kept)) this.#stable.put(bytes.subarray(from, to), at + from)
      from = to
    }
  }

  /** Another content, as if it had always been there. */
  restore(bytes: Uint8Array): void {
    this.#stable = new Content(bytes)
    this.#seen = new Content(bytes)
    this.#waiting = []
  }

  /** Changes the medium behind everybody's back. */
  rot(change: (medium: Buffer) => void): void {
    change(this.#stable.bytes)
    this.#seen = new Content(this.#stable.bytes)
  }
}

/** The leading part of a write that a process did not live to see the end of. */
export function beginningOf(bytes: Buffer, decisions: Decisions): Buffer {
  const sectors = Math.ceil(bytes.length / sectorBytes)
  return bytes.subarray(0, decisions.between(0, sectors + 1) * sectorBytes)
}
