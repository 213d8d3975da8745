import { decodeUtf8, encodeUtf8 } from "@postern/log/base"
import type { EvidenceDisclosure, EvidenceLeaf, EvidenceTold } from "@postern/log/evidence"

/** Rows that are kept and shown; the rest were checked all the same. */
export const rowsMax = 1000
/** Characters of a value, and of all values of the file, that are kept and shown; the rest were checked, too. */
const valueCharactersMax = 50_000
const charactersMax = 10_000_000
/** What a value costs besides. */
const overhead = 64

/** A value that was kept out of an entry, or the beginning of it. */
export interface ShownValue {
  readonly name: string
  /** Its JSON, as it was written. */
  readonly text: string
  /** Of the whole value. */
  readonly characters: number
}

export interface ShownLeaf extends EvidenceLeaf {
  readonly values: ShownValue[]
  /** Digests whose value is not in the file; undefined while none of its values was. */
  withheld: number | undefined
  /** Its values in the file, those that are not shown included. */
  disclosed: number
}

/** What of a file will be shown if it holds: no more than a page can take, whatever the file is. */
export class ShownLeaves implements EvidenceTold {
  readonly leaves: ShownLeaf[] = []
  /** Leaves so far, those that are not shown included. */
  count = 0
  #room = charactersMax

  readonly onLeaf = ({ index, leaf }: EvidenceLeaf): void => {
    this.count += 1
    if (this.leaves.length === rowsMax) return
    this.leaves.push({ index, leaf: leaf.slice(), values: [], disclosed: 0, withheld: undefined })
  }

  readonly onDisclosure = (disclosure: EvidenceDisclosure): void => {
    const { index, json, left } = disclosure
    const name = placeOf(disclosure)
    const leaf = this.leaves.at(-1)
    if (leaf?.index !== index) return
    leaf.disclosed += 1
    leaf.withheld = left
    const text = json.length > valueCharactersMax ? beginningOf(json) : json
    const cost = name.length + text.length + overhead
    if (name.length > valueCharactersMax || cost > this.#room) return
    this.#room -= cost
    leaf.values.push({ name, text, characters: json.length })
  }
}

/** Of a member of the event its name, of anything inside the pointer to it. */
function placeOf({ name, within }: EvidenceDisclosure): string {
  return within === "" ? name : `${within}/${name}`
}

/** A copy: a part of a string would hold the whole in memory. */
function beginningOf(json: string): string {
  return decodeUtf8(encodeUtf8(json.slice(0, valueCharactersMax))) ?? ""
}
