import { createHash } from "node:crypto"

/** Values of one key that one entry names. */
export interface EntryValues {
  readonly index: number
  /** 43 characters of base64url each. */
  readonly digests: readonly string[]
}

/** A list of values in numbers, and its digest. */
export interface ValueSummary {
  readonly values: number
  readonly entries: number
  /** Indexes; undefined of an empty list. */
  readonly first: number | undefined
  readonly last: number | undefined
  /** SHA-256, hex, over a line `<index> <digest>` LF for each: entries ascending, digests of one in the order of their characters. */
  readonly digest: string
}

/** The summary of values that are told one entry after the other. */
export class ValueDigest {
  readonly #hash = createHash("sha256")
  #values = 0
  #entries = 0
  #first: number | undefined
  #last: number | undefined

  /** Entries ascend; one without values does not count. */
  add({ index, digests }: EntryValues): void {
    if (digests.length === 0) return
    for (const digest of digests.toSorted()) this.#hash.update(`${index} ${digest}\n`)
    this.#values += digests.length
    this.#entries += 1
    this.#first ??= index
    this.#last = index
  }

  /** Of all so far. */
  get summary(): ValueSummary {
    const digest = this.#hash.copy().digest("hex")
    const [values, entries] = [this.#values, this.#entries]
    return { values, entries, first: this.#first, last: this.#last, digest }
  }
}

export function summarise(list: readonly EntryValues[]): ValueSummary {
  const digest = new ValueDigest()
  for (const entry of list) digest.add(entry)
  return digest.summary
}

/** The digest of the list as it was when it had so many values; undefined if it never had. */
export function digestOfFirst(list: readonly EntryValues[], values: number): string | undefined {
  const digest = new ValueDigest()
  let left = values
  for (const entry of list) {
    if (left <= 0) break
    digest.add(entry)
    left -= entry.digests.length
  }
  return left === 0 ? digest.summary.digest : undefined
}
