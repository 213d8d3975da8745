import { decodeUtf8, isPosternError, limits } from "../base/index.ts"
import {
  digestsOf,
  disclosureDigest,
  parseDisclosure,
  parseDisclosureText,
} from "../event/index.ts"
import { type DisclosurePiece, disclosurePieceMax } from "./evidence-line.ts"
import { demandEvidence, EvidenceFault } from "./finding.ts"

/** A value that was kept out of a leaf, of which the leaf holds the digest: that much was checked. */
export interface EvidenceDisclosure {
  /** Of the leaf. */
  readonly index: number
  /** The member that it is of the event. */
  readonly name: string
  /** The value, its JSON as it stands in the disclosure. */
  readonly json: string
}

interface DisclosingLeaf {
  readonly index: number
  readonly event: Readonly<Record<string, unknown>>
  /** Of the members that were disclosed. */
  readonly names: Set<string>
}

/** Base64url of the largest disclosure. */
const textMax = Math.ceil((limits.disclosureBytesMax * 4) / 3)

/** Puts the disclosures together that stand behind a leaf line; holds one at a time (docs/spec/evidence.md). */
export class DisclosureReading {
  disclosed = 0
  withheld = 0
  /** Leaves of which something is withheld. */
  withholding = 0
  readonly #onDisclosure: (disclosure: EvidenceDisclosure) => void
  #leaf: DisclosingLeaf | undefined
  /** Digests of the leaf that were not disclosed so far. */
  #left: Set<string> = new Set()
  #pieces: string[] = []
  #characters = 0
  /** Pieces of the disclosure that are still to come. */
  #after = 0

  constructor(onDisclosure: (disclosure: EvidenceDisclosure) => void) {
    this.#onDisclosure = onDisclosure
  }

  /** What follows is about this leaf. */
  begin(index: number, event: DisclosingLeaf["event"]): void {
    this.#leaf = { index, event, names: new Set() }
    this.#left = new Set(digestsOf(event))
  }

  /** @throws EvidenceFault */
  take({ after, text }: DisclosurePiece, where: string): void {
    demandEvidence(this.#leaf !== undefined, "disclosure", where, "there is no leaf before it")
    const isNext = this.#pieces.length === 0 || after === this.#after - 1
    demandEvidence(isNext, "disclosure", where, `${after} after ${this.#after}`)
    const isWhole = after === 0 || text.length === disclosurePieceMax
    demandEvidence(isWhole, "disclosure", where, `a piece of ${text.length} characters`)
    this.#characters += text.length
    const fits = this.#characters <= textMax
    demandEvidence(fits, "limit", where, `a disclosure of over ${textMax} characters`)
    this.#pieces.push(text)
    this.#after = after
    if (after === 0) this.#finish(this.#leaf, where)
  }

  /** Another line follows. @throws EvidenceFault */
  end(where: string): void {
    const isWhole = this.#pieces.length === 0
    demandEvidence(isWhole, "disclosure", where, `${this.#after} pieces are missing before it`)
    this.withheld += this.#left.size
    if (this.#left.size > 0) this.withholding += 1
    this.#left = new Set()
    this.#leaf = undefined
  }

  #finish(leaf: DisclosingLeaf, where: string): void {
    const json = parseDisclosureText(this.#pieces.join(""))
    this.#pieces = []
    this.#characters = 0
    demandEvidence(json !== undefined, "disclosure", where, "it is not base64url")
    const isNamed = this.#left.delete(disclosureDigest(json))
    demandEvidence(isNamed, "disclosure", where, "its digest is not one of the leaf's")
    const name = nameOf(json, where)
    const isNew = !leaf.names.has(name) && !Object.hasOwn(leaf.event, name)
    demandEvidence(isNew, "disclosure", where, `the entry has ${name} already`)
    leaf.names.add(name)
    this.disclosed += 1
    this.#onDisclosure({ index: leaf.index, name, json: valueText(decodeUtf8(json) ?? "") })
  }
}

function nameOf(json: Uint8Array, where: string): string {
  try {
    return parseDisclosure(json).name
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw new EvidenceFault("disclosure", where, error.detail ?? error.message)
  }
}

/** The third element of an array of which the first two are strings, as it is written: JSON.parse would round its numbers. */
function valueText(array: string): string {
  const salt = array.indexOf('"')
  const name = array.indexOf('"', endOfString(array, salt))
  const comma = array.indexOf(",", endOfString(array, name))
  return array.slice(comma + 1, array.lastIndexOf("]")).replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "")
}

/** Index after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text[before - 1] === "\\") before -= 1
    if ((at - before) % 2 === 0) return at + 1
  }
}
