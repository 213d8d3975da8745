import { gzipSync } from "node:zlib"
import type { Crafted, Drafts } from "./crafted.ts"
import { entriesOf, fileOf, noteOf } from "./drafts.ts"
import { origin, SmallLog } from "./small-log.ts"
import type { Story } from "./told-story.ts"

export function goodFiles({ set, range, streamA, streamB, http, fork }: Drafts): Crafted[] {
  const ok = (name: string, bytes: Buffer, writerSigned = 0): Crafted[] => [
    { name, bytes, trust: "policy", verdict: "WITNESSED", writerSigned },
    { name: `${name}, by key`, bytes, trust: "vkey", verdict: "SIGNED-ONLY", writerSigned },
  ]
  const forkBytes = fileOf(fork)
  return [
    ...ok("a set", fileOf(set)),
    ...ok("a set, packed", gzipSync(fileOf(set))),
    ...ok("a range", fileOf(range)),
    // Batches of three, two and three are whole and signed; the one with a refused event is not.
    ...ok("a stream with a gap and refused events", fileOf(streamA), 8),
    ...ok("a stream, packed", gzipSync(fileOf(streamA)), 8),
    // The altered batch and what is before it have lost their tie to the writer's signature.
    ...ok("a stream in which the port changed an event", fileOf(streamB), 2),
    ...ok("a stream without a writer's chain", fileOf(http)),
    { name: "a fork", bytes: forkBytes, trust: "policy", verdict: "FORK-EVIDENCE" },
    { name: "a fork, by key", bytes: forkBytes, trust: "vkey", verdict: "FORK-EVIDENCE" },
  ]
}

/** Every tree of up to twenty entries, with some leaves of each. */
export async function goodTrees(story: Story): Promise<Crafted[]> {
  const made: Crafted[] = []
  for (let size = 1; size <= 20; size++) {
    const log = new SmallLog()
    log.leaves.push(...story.log.leaves.slice(0, size))
    const leaves = log.leaves.map((_, i) => i).filter((i) => (i * 7 + size) % 3 === 0 || i === 4)
    const count = leaves.length
    if (count === 0) continue
    const claim = { size }
    const head = { postern: "evidence@v1", origin, kind: "set", claim, count }
    const notes = [await noteOf(log, [1, 2])]
    const draft = { head, notes, batches: [], ...entriesOf(log, leaves, []) }
    const bytes = fileOf(draft)
    const name = `${count} leaves of a tree of ${size}`
    made.push({ name, bytes, trust: "policy", verdict: "WITNESSED" })
  }
  return made
}
