import { bad, type Crafted } from "./crafted.ts"
import { type Draft, fileOf, type StreamPart, streamDraft } from "./drafts.ts"
import type { BatchLine, Story } from "./told-story.ts"

export async function badStreams(story: Story, streamA: Draft): Promise<Crafted[]> {
  const { openA, leavesA, aboutA, leavesHttp, openHttp, aboutHttp, leavesB, openB, aboutB } = story
  const all = [...leavesA, ...aboutA]
  const of = async (name: string, what: Partial<StreamPart>) => {
    const whole = { open: openA, first: 0, next: 18, leaves: all, ...what }
    return bad(name, fileOf(await streamDraft(story, whole)))
  }
  const claims = (name: string, claim: Record<string, unknown>) =>
    bad(name, fileOf(streamA, {}, { claim }))
  return [
    await of("a stream without its first event", { leaves: all.slice(1) }),
    await of("a stream without one in the middle", { leaves: all.filter((i) => i !== leavesA[5]) }),
    await of("a stream without its last event", {
      leaves: all.filter((i) => i !== leavesA.at(-1)),
    }),
    await of("a stream without what the port says is missing", { leaves: leavesA }),
    await of("a stream that claims more", { next: 19 }),
    await of("a stream without its opening entry", { context: [0] }),
    await of("a stream without the port's opening entry", { context: [openA] }),
    await of("a stream opened by an entry that opens none", { open: 0, first: 0, next: 3 }),
    await of("a stream opened by a leaf of its own", { open: leavesA[0] as number, next: 1 }),
    await of("leaves of another stream", { open: openB, next: 8, context: [0, openA, openB] }),
    await of("a stream with what is said of another", {
      open: openHttp,
      next: 7,
      leaves: [...leavesHttp, ...aboutA],
      context: [0, openA, openHttp],
    }),
    claims("a claim that ends before it begins", { open: openA, first: 5, next: 4 }),
    claims("a claim without an end", { open: openA, first: 0 }),
    claims("a claim in another order", { first: 0, open: openA, next: 18 }),
    claims("a claim of text", { open: openA, first: 0, next: "18" }),
    claims("a claim of more", { open: openA, first: 0, next: 18, more: true }),
    await of("a stream of another writer's refusals", {
      open: openB,
      next: 8,
      leaves: [...leavesB.slice(1), ...aboutB, ...aboutHttp],
    }),
  ]
}

/** How much the writer's signatures cover hangs on the batch lines; whether the file holds does not. */
export async function oddChains(story: Story, streamA: Draft): Promise<Crafted[]> {
  const { openA, leavesA, aboutA, batchesA } = story
  const nothing = Buffer.alloc(32)
  const [first, second, third, lost, fourth, last] = batchesA as [
    BatchLine,
    BatchLine,
    BatchLine,
    BatchLine,
    BatchLine,
    BatchLine,
  ]
  const fine = (name: string, writerSigned: number, batches: BatchLine[], draft = streamA) =>
    ({
      name: `a stream with ${name}`,
      bytes: fileOf(draft, { batches }),
      trust: "policy",
      verdict: "WITNESSED",
      writerSigned,
    }) as const
  const leaves = [...leavesA.slice(7, 9), ...aboutA]
  const part = await streamDraft(story, { open: openA, first: 8, next: 10, leaves })
  return [
    fine("no batch lines", 0, []),
    fine("the first batch line only", 3, [first]),
    fine("a chain that begins later", 5, [second, third, lost, fourth, last]),
    fine("a chain that begins where nothing was signed", 3, [third, lost, fourth, last]),
    fine("a chain with a hole", 5, [first, second, third, fourth, last]),
    fine("another digest in its first batch line", 5, [[0, 3, nothing], ...batchesA.slice(1)]),
    fine("another digest in its last batch line", 8, [...batchesA.slice(0, -1), [17, 1, nothing]]),
    fine("another digest before a batch", 6, [first, [3, 5, nothing], third, lost, fourth, last]),
    fine("another digest after a gap", 5, [first, second, third, [10, 4, nothing], fourth]),
    fine("batch lines of other borders", 5, [
      [0, 2, nothing],
      [2, 1, first[2]],
      ...batchesA.slice(1),
    ]),
    fine("batch lines of what is not there", 8, [...batchesA, [1000, 4_294_967_295, nothing]]),
    fine("a part between two batches", 2, batchesA, part),
  ]
}
