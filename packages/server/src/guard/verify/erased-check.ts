import { encodeUtf8, isPosternError } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { readDestruction, type SaidDestruction, ValueDigest } from "../../erasure/index.ts"

const marks = ['"postern.erased"', '"postern.retention.keys-destroyed"'].map((text) => {
  return Buffer.from(encodeUtf8(text))
})

/** Whether a leaf, or several one after the other, may say that keys were destroyed; without taking them apart. */
export function maySayErased(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return marks.some((mark) => buffer.includes(mark))
}

/**
 * Whether values that are said to be erased are exactly those of which the log says so (docs/spec/erasure.md): who destroys a key with no
 * entry, or with another one's, shows.
 */
export class ErasedCheck {
  readonly #fail: (where: string, what: string) => void
  /** By the entry that whoever has the keys names. */
  readonly #erased = new Map<number, ValueDigest>()
  readonly #expired = new Set<number>()
  /** Entries before are not looked at: the log begins here. */
  #from: number | undefined

  constructor(fail: (where: string, what: string) => void) {
    this.#fail = fail
  }

  beginsAt(index: number): void {
    this.#from ??= index
  }

  /** Values of one entry, all that are erased with the entry `by`. Entries ascend. */
  values(index: number, digests: readonly string[], by: number | undefined): void {
    if (by === undefined) {
      const what = "its key was destroyed, and whoever did it names no entry"
      for (const digest of digests) this.#fail(`entry ${index}, value ${digest}`, what)
      return
    }
    const known = this.#erased.get(by) ?? new ValueDigest()
    known.add({ index, digests })
    this.#erased.set(by, known)
  }

  /** Leaves ascend; only those matter of which maySayErased() is true. */
  leaf(leaf: Uint8Array, index: number): void {
    this.beginsAt(index)
    const said = maySayErased(leaf) ? readSaid(leaf) : undefined
    if (said === undefined) return
    if (said.kind === "expired") this.#expired.add(index)
    else this.#compare(said, index)
  }

  #compare(
    { began, values, first, digest }: Extract<SaidDestruction, { kind: "erased" }>,
    index: number,
  ): void {
    const found = this.#erased.get(began)?.summary
    this.#erased.delete(began)
    // Of entries that are gone by rule, nobody can say more than how many values there were.
    const isWhole = first === undefined || first >= (this.#from ?? 0)
    const isSame = isWhole ? (found?.digest ?? new ValueDigest().summary.digest) === digest : true
    if (isSame && (found?.values ?? 0) <= values) return
    const what = `it says that ${values} values were erased, and ${found?.values ?? 0} are, or other ones`
    this.#fail(`entry ${index}`, what)
  }

  finish(): void {
    for (const [by, digest] of this.#erased) {
      if (this.#expired.has(by)) continue
      const { values, first } = digest.summary
      const what = `${values} values from entry ${first} on are erased, and no entry says so: entry ${by} was named`
      this.#fail(`entry ${by}`, what)
    }
  }
}

/** A leaf that is no entry is another check's finding. */
function readSaid(leaf: Uint8Array): SaidDestruction | undefined {
  try {
    return readDestruction(parseEntry(leaf).event)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}
