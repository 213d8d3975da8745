import { crc32 } from "node:zlib"
import { encodeUtf8 } from "@postern/log/base"
import { parseQuery } from "@postern/log/query"
import { hashKeyOf } from "./keyed-hash.ts"
import { Part } from "./part.ts"
import { PartDraft } from "./part-draft.ts"
import { columns, headerBytesMax } from "./part-format.ts"
import { partInMemory } from "./part-source.ts"
import { decide } from "./planner.ts"
import { SectionCache } from "./section-cache.ts"
import { topValues } from "./top-values.ts"
import { Turns } from "./turns.ts"

export { PartDamaged } from "./part-source.ts"

const seed = new Uint8Array(16).fill(3)
const questions = [
  "outcome:failure",
  "alpha",
  "actor:user/u3",
  "NOT alpha AND target:*",
  "target:10.0.0.0/8",
  "data.n:>3",
  "w7 OR w8",
  "received:>2026-11-01T00:00:00Z",
  "time:<2026-11-01",
].map(parseQuery)

/** A part with these leaves. */
export function craftPart(leaves: readonly Uint8Array[]): Uint8Array {
  const draft = new PartDraft(seed, 0)
  for (const leaf of leaves) {
    draft.take(leaf, 0, 0)
    draft.settle(encodeUtf8("w"))
  }
  return draft.encode(0, leaves.length)
}

/** Reads everything there is in a part and asks it all kinds of questions. @throws PartDamaged */
export async function askPart(bytes: Uint8Array): Promise<Part> {
  const part = Part.open("crafted", partInMemory(bytes), new SectionCache(1 << 20))
  const asked = { key: hashKeyOf(seed), turns: new Turns(() => 0, 1), needsMust: true }
  for (const query of questions) await decide(part, asked, query)
  part.received().within(0, 5)
  part.rollup()
  part.positions()
  part.termHashes()
  for (const column of columns) {
    const dictionary = part.dictionary(column)
    part.ids(column)
    const { rows: counts, common: listed } = dictionary
    const counted = [{ dictionary, counts, listed, rows: part.count }]
    await topValues(column, asked.key, counted, 20, asked.turns)
  }
  return part
}

/** Makes the sums of header and sections right again, so that more than they is tried. */
export function mendSums(bytes: Uint8Array): void {
  if (bytes.length < 148) return
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const headerLength = view.getUint32(8, true)
  if (headerLength > Math.min(bytes.length, headerBytesMax) || headerLength < 148) return
  for (let row = 144; row + 24 <= headerLength - 4; row += 24) {
    const kind = view.getUint32(row, true)
    const [at, length] = [view.getFloat64(row + 8, true), view.getFloat64(row + 16, true)]
    if (kind === 9 || kind === 10 || !(at >= 0 && length >= 0 && at + length <= bytes.length))
      continue
    view.setUint32(row + 4, crc32(bytes.subarray(at, at + length)), true)
  }
  view.setUint32(headerLength - 4, crc32(bytes.subarray(0, headerLength - 4)), true)
}
