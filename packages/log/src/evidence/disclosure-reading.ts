import { decodeUtf8, isPosternError, limits } from "../base/index.ts"
import { DigestPlaces, type DisclosedValue, parseDisclosureText } from "../event/index.ts"
import { type DisclosurePiece, disclosurePieceMax } from "./evidence-line.ts"
import { demandEvidence, EvidenceFault } from "./finding.ts"

/** A value that was kept out of a leaf, of which the leaf holds the digest: that much was checked. */
export interface EvidenceDisclosure {
  /** Of the leaf. */
  readonly index: number
  /** What it is of the event: the member, or the element with this position. */
  readonly name: string
  /** RFC 6901 pointer to the object or array that it belongs into; empty for the event itself. */
  readonly within: string
  /** The value, its JSON as it stands in the disclosure. */
  readonly json: string
  /** Digests of the leaf and of its values of which nothing was handed on so far. */
  readonly left: number
}

interface DisclosingLeaf {
  readonly index: number
  /** Of its digests, and of those in its values. */
  readonly places: DigestPlaces
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
  #pieces: string[] = []
  #characters = 0
  /** Pieces of the disclosure that are still to come. */
  #after = 0

  constructor(onDisclosure: (disclosure: EvidenceDisclosure) => void) {
    this.#onDisclosure = onDisclosure
  }

  /** What follows is about this leaf. */
  begin(index: number, event: Readonly<Record<string, unknown>>): void {
    this.#leaf = { index, places: new DigestPlaces(event) }
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
    const withheld = this.#leaf?.places.digests.length ?? 0
    this.withheld += withheld
    if (withheld > 0) this.withholding += 1
    this.#leaf = undefined
  }

  #finish(leaf: DisclosingLeaf, where: string): void {
    const json = parseDisclosureText(this.#pieces.join(""))
    this.#pieces = []
    this.#characters = 0
    demandEvidence(json !== undefined, "disclosure", where, "it is not base64url")
    const { key, within, name } = disclosedIn(leaf.places, json, where)
    this.disclosed += 1
    const text = valueText(decodeUtf8(json) ?? "", name === undefined ? 1 : 2)
    const { index, places } = leaf
    const left = places.digests.length
    this.#onDisclosure({ index, name: String(key), within, json: text, left })
  }
}

function disclosedIn(places: DigestPlaces, json: Uint8Array, where: string): DisclosedValue {
  try {
    return places.take(json)
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw new EvidenceFault("disclosure", where, error.detail ?? error.message)
  }
}

/** The last element of an array, as it is written, behind so many strings: JSON.parse would round its numbers. */
function valueText(array: string, strings: number): string {
  let at = 0
  for (let n = 0; n < strings; n++) at = endOfString(array, array.indexOf('"', at))
  const comma = array.indexOf(",", at)
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
