import type { Decisions } from "../crash/decisions.ts"
import { SimulatedFile } from "./simulated-file.ts"

export type Node = SimulatedFile | SimulatedDirectory

/** Some names given and some taken away, all at once. */
interface Renaming {
  readonly set: readonly (readonly [string, Node])[]
  readonly unset: readonly string[]
}

/** The names in a directory, as processes see them and as a power loss would leave them. */
export class SimulatedDirectory {
  #seen = new Map<string, Node>()
  #stable = new Map<string, Node>()
  #waiting: Renaming[] = []

  get names(): ReadonlyMap<string, Node> {
    return this.#seen
  }

  get stableNames(): ReadonlyMap<string, Node> {
    return this.#stable
  }

  add(name: string, node: Node): void {
    this.#change({ set: [[name, node]], unset: [] })
  }

  rename(from: string, to: string): void {
    const node = this.#seen.get(from)
    if (node === undefined) throw systemError("ENOENT")
    this.#change({ set: [[to, node]], unset: [from] })
  }

  remove(name: string): void {
    if (!this.#seen.has(name)) throw systemError("ENOENT")
    this.#change({ set: [], unset: [name] })
  }

  forget(name: string): void {
    this.#seen.delete(name)
    this.#stable.delete(name)
  }

  #change(renaming: Renaming): void {
    this.#waiting.push(renaming)
    apply(this.#seen, renaming)
  }

  /** Begins a sync; the answer ends it. After a failure the names are still to be written. */
  beginSync(): (well: boolean) => void {
    const covered = new Set(this.#waiting)
    return (well) => {
      if (!well) return
      for (const renaming of this.#waiting) {
        if (covered.has(renaming)) apply(this.#stable, renaming)
      }
      this.#waiting = this.#waiting.filter((renaming) => !covered.has(renaming))
    }
  }

  /** Journals keep the first ones of what was not synced; POSIX promises not even that order. */
  losePower(decisions: Decisions, kept: number): void {
    const inOrder = decisions.chance(0.5)
    for (const renaming of this.#waiting) {
      if (decisions.chance(kept)) apply(this.#stable, renaming)
      else if (inOrder) break
    }
    this.#waiting = []
    this.#seen = new Map(this.#stable)
    for (const node of this.#seen.values()) node.losePower(decisions, kept)
  }

  /** All files below, by their path from here. */
  *files(path = ""): Generator<[string, SimulatedFile]> {
    for (const [name, node] of this.#seen) {
      if (node instanceof SimulatedFile) yield [`${path}/${name}`, node]
      else yield* node.files(`${path}/${name}`)
    }
  }
}

function apply(names: Map<string, Node>, { set, unset }: Renaming): void {
  for (const name of unset) names.delete(name)
  for (const [name, node] of set) names.set(name, node)
}

/** An error as Node's file system gives it. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated`), { code, syscall: "simulated" })
}
