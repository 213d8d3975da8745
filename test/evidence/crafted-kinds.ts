import { bad, type Crafted, type Drafts } from "./crafted.ts"
import { type Draft, entriesOf, fileOf } from "./drafts.ts"
import { checkpointNote, seededKey } from "./small-log.ts"
import type { Story } from "./told-story.ts"

export function badRanges({ log }: Story, range: Draft): Crafted[] {
  const holed = entriesOf(log, [4, 5, 6, 8, 9, 10, 11, 12], [0, 1, 2, 3])
  const claims = (name: string, claim: Record<string, unknown>) =>
    bad(name, fileOf(range, {}, { claim }))
  return [
    bad("a range with a hole", fileOf(range, holed, { count: 8, claim: { first: 4, count: 8 } })),
    claims("a range that claims to begin earlier", { first: 3, count: 9 }),
    claims("a range that claims more", { first: 4, count: 10 }),
    claims("a range with another claim", { first: 4, count: 9, more: 1 }),
    claims("a range with its claim in another order", { count: 9, first: 4 }),
    claims("a range without a claim", {}),
    claims("a range whose claim is text", { first: "4", count: 9 }),
    claims("a range whose claim is true", { first: 4, count: true }),
    bad("a range said to be a stream", fileOf(range, {}, { kind: "stream" })),
    bad("a range said to be a fork", fileOf(range, {}, { kind: "fork" })),
  ]
}

export async function badForks({ range, fork }: Drafts): Promise<Crafted[]> {
  const [one, two] = fork.notes as [string, string]
  const text = two.slice(0, two.indexOf("\n\n") + 1)
  const leaf = range.entries.filter(({ name }) => name === "leaf").slice(0, 1)
  const context = range.entries.slice(0, 1)
  const withNotes = (name: string, notes: string[]) => bad(name, fileOf(fork, { notes }))
  return [
    withNotes("a fork of one note", [one]),
    withNotes("a fork of the same note", [one, one]),
    withNotes("a fork of three notes", [one, two, one]),
    withNotes("a fork of two sizes", [one, await checkpointNote(text.replace(/\n\d+/, "\n9"))]),
    withNotes("a fork of two origins", [one, await checkpointNote(`x${text}`)]),
    withNotes("a fork by another key", [one, await checkpointNote(text, [], seededKey(9))]),
    bad("a fork that counts a leaf", fileOf(fork, {}, { count: 1 })),
    bad("a fork with hashes", fileOf(fork, { path: [new Uint8Array(32)] })),
    bad("a fork with a leaf", fileOf(fork, { entries: leaf })),
    bad("a fork with a leaf that it counts", fileOf(fork, { entries: leaf }, { count: 1 })),
    bad("a fork with context", fileOf(fork, { entries: context })),
  ]
}
