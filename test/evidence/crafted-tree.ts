import { bad, type Crafted } from "./crafted.ts"
import { type Draft, fileOf } from "./drafts.ts"

/** Nothing but the tree is wrong. */
export function badTree(set: Draft): Crafted[] {
  const { path, entries } = set
  const [one, two, three, ...others] = path as [Uint8Array, Uint8Array, Uint8Array]
  const last = entries.at(-1) as Draft["entries"][number]
  const before = entries.slice(0, -1)
  const count = set.head.count - 1
  const letter = flipped(last.leaf, last.leaf.length - 3)
  return [
    bad("a hash too few", fileOf(set, { path: path.slice(0, -1) })),
    bad("a hash too many", fileOf(set, { path: [...path, one] })),
    bad("two hashes changed places", fileOf(set, { path: [two, one, three, ...others] })),
    bad("one bit of a hash", fileOf(set, { path: [one, two, flipped(three, 7), ...others] })),
    bad("one letter of an event", fileOf(set, { entries: [...before, { ...last, leaf: letter }] })),
    bad("a leaf left out", fileOf(set, { entries: before }, { count })),
    bad("a context line left out", fileOf(set, { entries: entries.slice(1) })),
    bad("a leaf at another index", fileOf(set, { entries: [...before, { ...last, index: 78 }] })),
    bad("a leaf beyond the size", fileOf(set, { entries: [...before, { ...last, index: 5000 }] })),
  ]
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
}
