import { type Draft, linesOf, seal } from "./evidence-text.ts"
import { checkpointNote, origin, type SmallLog, sha256 } from "./small-log.ts"
import type { BatchLine, Story } from "./told-story.ts"

export function noteOf(log: SmallLog, cosigners: readonly number[] = [0, 1]): Promise<string> {
  return checkpointNote(checkpointText(log), cosigners)
}

export function checkpointText(log: SmallLog): string {
  return `${origin}\n${log.size}\n${log.root.toString("base64")}\n`
}

/** Leaves and context of a log as a file holds them, with the path for what is not there. */
export function entriesOf(
  log: SmallLog,
  leaves: readonly number[],
  context: readonly number[],
): Pick<Draft, "entries" | "path"> {
  const names = new Map<number, "leaf" | "context">(context.map((index) => [index, "context"]))
  for (const index of leaves) names.set(index, "leaf")
  const indexes = [...names.keys()].sort((a, b) => a - b)
  const entries = indexes.map((index) => {
    const name = names.get(index) as "leaf" | "context"
    return { name, index, leaf: log.leaves[index] as Buffer }
  })
  return { entries, path: log.path(indexes) }
}

export async function setDraft(
  { log }: Story,
  leaves: readonly number[],
  context: readonly number[],
): Promise<Draft> {
  const claim = { query: 'action:"invoice.deleted"', ключ: ["\u{1f512}", null, true, { n: 1 }] }
  const head = { postern: "evidence@v1", origin, kind: "set", claim, count: leaves.length }
  return { head, notes: [await noteOf(log)], batches: [], ...entriesOf(log, leaves, context) }
}

export async function rangeDraft({ log }: Story, first: number, count: number): Promise<Draft> {
  const leaves = Array.from({ length: count }, (_, i) => first + i)
  const head = { postern: "evidence@v1", origin, kind: "range", claim: { first, count }, count }
  return { head, notes: [await noteOf(log)], batches: [], ...entriesOf(log, leaves, [0, 1, 2, 3]) }
}

export interface StreamPart {
  readonly open: number
  readonly first: number
  readonly next: number
  readonly leaves: readonly number[]
  readonly batches?: readonly BatchLine[]
  readonly context?: readonly number[]
}

export async function streamDraft({ log, started }: Story, part: StreamPart): Promise<Draft> {
  const { open, first, next, leaves, batches = [], context = [started, open] } = part
  const claim = { open, first, next }
  const head = { postern: "evidence@v1", origin, kind: "stream", claim, count: leaves.length }
  const entries = entriesOf(log, leaves, context)
  return { head, notes: [await noteOf(log)], batches: [...batches], ...entries }
}

/** Two histories under one key: the second note's root is another. */
export async function forkDraft({ log }: Story): Promise<Draft> {
  const head = { postern: "evidence@v1", origin, kind: "fork", claim: {}, count: 0 }
  const other = `${origin}\n${log.size}\n${sha256("other").toString("base64")}\n`
  const notes = [await noteOf(log), await checkpointNote(other)]
  return { head, notes, entries: [], batches: [], path: [] }
}

/** The file of a draft, after a change of its parts or of its head; its end line is right for what it then says. */
export function fileOf(
  draft: Draft,
  change: Partial<Omit<Draft, "head">> = {},
  head: Partial<Draft["head"]> = {},
): Buffer {
  return seal(linesOf({ ...draft, ...change, head: { ...draft.head, ...head } }))
}

export { type Draft, linesOf, seal } from "./evidence-text.ts"
