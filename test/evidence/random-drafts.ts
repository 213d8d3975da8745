import { type Draft, entriesOf, fileOf, noteOf } from "./drafts.ts"
import { type Chance, oddNumber } from "./mutations.ts"
import { origin, SmallLog } from "./small-log.ts"
import type { BatchLine, Story } from "./told-story.ts"

/**
 * A file whose tree and signatures are right, with chosen leaves, claims and batch lines, and often with entries that no
 * honest port would have written: what is behind the tree is looked at.
 */
export async function randomFile(story: Story, chance: Chance): Promise<Buffer> {
  const log = new SmallLog()
  log.leaves.push(...story.log.leaves.slice(0, 100))
  for (let odd = chance.below(4); odd > 0; odd--) {
    const i = chance.below(log.size)
    log.leaves[i] = oddLeaf(log.leaves[i] as Buffer, chance)
  }
  const { leaves, context, ...head } = chance.below(5) > 0 ? streamOf(story, chance) : anyOf(chance)
  const inside = (index: number) => index < log.size
  const entries = entriesOf(log, leaves.filter(inside), context.filter(inside))
  const count = entries.entries.filter(({ name }) => name === "leaf").length
  const batches = head.kind === "stream" ? batchesOf(story, head.claim.open as number, chance) : []
  const notes = [await noteOf(log, chance.of([[], [0], [0, 2]]))]
  return fileOf({
    head: { postern: "evidence@v1", origin, ...head, count },
    notes,
    batches,
    ...entries,
  })
}

type Chosen = Pick<Draft["head"], "kind" | "claim"> & { leaves: number[]; context: number[] }

function anyOf(chance: Chance): Chosen {
  const first = chance.below(30)
  const count = 1 + chance.below(20)
  const row = Array.from({ length: count }, (_, i) => first + i)
  const context = [0, 1, 2, 3].filter(() => chance.below(3) > 0)
  if (chance.below(2) === 0) return { kind: "range", claim: { first, count }, leaves: row, context }
  return { kind: "set", claim: {}, leaves: row.filter(() => chance.below(3) > 0), context }
}

function streamOf(story: Story, chance: Chance): Chosen {
  const [open, leaves, about, end] = chance.of([
    [story.openA, story.leavesA, story.aboutA, 18],
    [story.openB, story.leavesB, story.aboutB, 8],
    [story.openC, story.leavesC, story.aboutC, 13],
    [story.openHttp, story.leavesHttp, story.aboutHttp, 7],
  ] as const)
  const often = chance.of([1000, 1000, 30, 8])
  const kept = [...leaves, ...about].filter(() => chance.below(often) > 0)
  const strangers = Array.from({ length: chance.below(3) }, () => chance.below(50))
  const context = [story.started, open].filter(() => chance.below(25) > 0)
  const first = chance.below(2) === 0 ? 0 : chance.below(end)
  const next = chance.below(2) === 0 ? end : first + chance.below(end)
  const claim = { open: chance.below(20) > 0 ? open : chance.below(50), first, next }
  return { kind: "stream", claim, leaves: [...kept, ...strangers], context: [...context] }
}

function batchesOf(story: Story, open: number, chance: Chance): BatchLine[] {
  const { batchesA, batchesB, batchesC } = story
  const all = open === story.openC ? batchesC : open === story.openB ? batchesB : batchesA
  const often = chance.of([1000, 1000, 6])
  const batches = all.filter(() => chance.below(often) > 0)
  if (batches.length === 0 || chance.below(2) === 0) return batches
  const i = chance.below(batches.length)
  const [first, events, digest] = batches[i] as BatchLine
  const other = (chance.of(all) as BatchLine)[2]
  batches[i] = chance.of([
    [first, events, other],
    [first, events + 1, digest],
    [first + 1, events, digest],
    [first, Math.max(1, events - 1), digest],
  ])
  return batches
}

/** A leaf with one thing changed that a verifier may look at. */
function oddLeaf(leaf: Buffer, chance: Chance): Buffer {
  const text = leaf.toString()
  const edits: readonly (readonly [RegExp, (found: string) => string])[] = [
    [/(?<=":|\[|,)\d+(?=[,\]}])/g, (found) => oddNumber(found, chance)],
    [/(?<=":|\[|,)\d+(?=[,\]}])/g, (found) => `${Number(found) + chance.below(5) - 2}`],
    [/(?<=":|\[|,)\d+(?=[,\]}])/g, (found) => `${Number(found)}.0`],
    [/"postern\.[a-z.]+"/g, () => chance.of(actions)],
    [
      /"(?:open|sequence|count|next|digest|signature|sequences|stream|writer)":/g,
      (found) => `${found}1,"x":`,
    ],
    [/(?<="(?:digest|signature|publicKey)":")[^"]{8}/g, (found) => [...found].reverse().join("")],
    [
      /"[abh]{32}"|"writer-[abh]"|"http"/g,
      () => chance.of(['"http"', '"writer-a"', `"${"b".repeat(32)}"`]),
    ],
    [/true|false/g, (found) => chance.of(["true", "false", "null", `"${found}"`])],
    [
      /\[\[\d+,\d+\]\]/g,
      () => chance.of(["[[5,6],[4,5]]", "[[5,4]]", "[[4,6,1]]", "[4,6]", "[[0,99]]", "[]"]),
    ],
    [/$/g, () => " "],
  ]
  const [pattern, edit] = chance.of(edits)
  const matches = [...text.matchAll(pattern)]
  if (matches.length === 0) return leaf
  const { 0: found, index } = chance.of(matches)
  return Buffer.from(text.slice(0, index) + edit(found) + text.slice(index + found.length))
}

const actions = [
  '"postern.started"',
  '"postern.stream.opened"',
  '"postern.stream.closed"',
  '"postern.stream.beat"',
  '"postern.stream.continued"',
  '"postern.stream.gap"',
  '"postern.refused"',
  '"postern.read"',
]
