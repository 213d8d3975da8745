import { encodeUtf8, PosternError } from "@postern/log/base"
import {
  askPart,
  craftPart,
  mendSums,
  PartDamaged,
} from "../../packages/server/src/reader/index/crafted-part.test.support.ts"
import { leafOf } from "../../packages/server/src/reader/index/index-log.test.support.ts"
import { type Parser, parserOf } from "./parser.ts"

const start = Date.UTC(2026, 10, 1) * 1000

function leaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const event = {
      id: `${i}`,
      time: "2026-11-01T00:00:00Z",
      outcome: i % 7 === 0 ? "failure" : "success",
      actor: { type: "user", id: `u${i % 9}` },
      targets: i % 3 === 0 ? [] : [{ type: "file", id: `10.0.0.${i}` }],
      data: { note: i % 2 === 0 ? "alpha" : `w${i % 40}`, n: i % 6 },
    }
    return leafOf(JSON.stringify(event), start + i * 1000, 1, i)
  })
}

const one = craftPart(leaves(1))
const many = craftPart(leaves(100))
const strange = craftPart([encodeUtf8("no entry"), ...leaves(40)])

/** The sums are made right, since they keep only accidents away; what stands behind them must be read with as much care. */
async function readPart(bytes: Uint8Array): Promise<number> {
  const mended = bytes.slice()
  mendSums(mended)
  try {
    return (await askPart(mended)).count
  } catch (error) {
    if (error instanceof PartDamaged) throw new PosternError("LOG_DAMAGED", error.message)
    throw error
  }
}

export const indexParsers: readonly Parser[] = [
  parserOf({
    name: "index-part",
    codes: ["LOG_DAMAGED"],
    seeds: [one, many, strange],
    bad: [new Uint8Array(), one.subarray(0, 100), one.subarray(0, 200), encodeUtf8("postidx1")],
    parse: readPart,
  }),
]
