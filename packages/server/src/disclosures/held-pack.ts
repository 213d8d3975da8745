import { type OpenFile, readAll } from "../disk/index.ts"
import {
  decodePackHeader,
  indexAt,
  type PackHead,
  packBoundBytes,
  packHeadAt,
  packHeaderBytes,
} from "./pack-format.ts"
import { PackWindow } from "./pack-window.ts"

/** A record as it lies in a pack. */
export interface PackedValue {
  readonly head: PackHead
  /** What the value is bound to. */
  readonly bound: Buffer
  readonly sealed: Buffer
  readonly noncePrefix: Uint8Array
}

/** A place every so many bytes of a pack is remembered. */
export const markBytes = 262_144

/** Ascending: the index of the record that begins at the offset. */
export type MarkedPlaces = { readonly index: number; readonly at: number }[]

/** A pack that is open, and the part of it that was looked at last. One find at a time. */
export class HeldPack {
  readonly name: string
  readonly #file: OpenFile
  readonly #noncePrefix: Uint8Array
  readonly #marks: MarkedPlaces
  readonly #window: PackWindow
  /** The entry that was looked for last, and where its first record begins. */
  #last = { index: Number.POSITIVE_INFINITY, at: 0 }

  private constructor(
    name: string,
    file: OpenFile,
    noncePrefix: Uint8Array,
    marks: MarkedPlaces,
    bytes: Buffer,
  ) {
    this.name = name
    this.#file = file
    this.#noncePrefix = noncePrefix
    this.#marks = marks
    this.#window = new PackWindow(file, bytes)
  }

  /**
   * Takes the file over, and closes it if it is no pack; undefined then.
   * @param marksOf gives what is remembered of the file with these nonces @param bytes as of PackWindow
   */
  static async open(
    name: string,
    file: OpenFile,
    marksOf: (noncePrefix: Uint8Array) => MarkedPlaces,
    bytes: Buffer,
  ): Promise<HeldPack | undefined> {
    let noncePrefix: Uint8Array | undefined
    try {
      const header = Buffer.alloc(packHeaderBytes)
      await readAll(file, header, 0)
      noncePrefix = decodePackHeader(header)
    } finally {
      if (noncePrefix === undefined) await file.close()
    }
    return noncePrefix && new HeldPack(name, file, noncePrefix, marksOf(noncePrefix), bytes)
  }

  /** As PackReader.find, in this file, as far as it has been read. */
  async find(index: number, digest: string): Promise<PackedValue | "missing" | "damaged"> {
    const window = this.#window
    let at = this.#startFor(index)
    for (; await window.moveTo(at); at += window.recordLength) {
      const here = indexAt(window.bytes, window.at)
      if (here > index) return "missing"
      this.#remember(here, at)
      if (here < index) continue
      if (this.#last.index !== index) this.#last = { index, at }
      const head = packHeadAt(window.bytes, window.at)
      if (head.digest !== digest) continue
      const bound = Buffer.from(window.bytes.subarray(window.at, window.at + packBoundBytes))
      const sealed = await window.body(head.sealedBytes)
      return sealed === undefined
        ? "damaged"
        : { head, bound, sealed, noncePrefix: this.#noncePrefix }
    }
    return at < (await this.#file.size()) ? "damaged" : "missing"
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /** Several values of one entry may lie before a mark of the same index. */
  #startFor(index: number): number {
    const mark = this.#marks.findLast((place) => place.index < index)?.at ?? packHeaderBytes
    return this.#last.index <= index ? Math.max(mark, this.#last.at) : mark
  }

  #remember(index: number, at: number): void {
    if (at - (this.#marks.at(-1)?.at ?? 0) >= markBytes) this.#marks.push({ index, at })
  }
}
