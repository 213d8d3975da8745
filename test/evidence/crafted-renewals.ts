import type { Crafted } from "./crafted.ts"
import { fileOf, type StreamPart, streamDraft } from "./drafts.ts"
import { SmallLog } from "./small-log.ts"
import type { Story } from "./told-story.ts"

/**
 * A stream that other certificates of its writer signed for later: 2 + 3 + 2 events are signed, each run with a key of its own,
 * and 4 with a key of which the port said nothing.
 */
export async function renewals(story: Story): Promise<Crafted[]> {
  const { openA, openC, leavesC, aboutC, batchesC, started, log } = story
  const [, first, , , second] = aboutC as [number, number, number, number, number]
  const whole = { open: openC, first: 0, next: 13, batches: batchesC }
  const fine = async (
    name: string,
    writerSigned: number,
    part: Partial<StreamPart>,
    of = story,
  ) => {
    const draft = await streamDraft(of, { ...whole, leaves: [...leavesC, ...aboutC], ...part })
    const bytes = fileOf(draft)
    return { name, bytes, trust: "policy", verdict: "WITNESSED", writerSigned } as const
  }
  const without = (...gone: readonly number[]) => ({
    leaves: [...leavesC, ...aboutC].filter((index) => !gone.includes(index)),
  })
  const context = [started, openC]
  /** The story with one entry of the port's own changed. */
  const changed = async (
    name: string,
    signed: number,
    index: number,
    from: string | RegExp,
    to: string,
  ) => {
    const other = new SmallLog()
    other.leaves.push(...log.leaves)
    const text = (log.leaves[index] as Buffer).toString()
    other.leaves[index] = Buffer.from(text.replace(from, to))
    return fine(name, signed, {}, { ...story, log: other })
  }
  return [
    await fine("a stream that four certificates signed", 7, {}),
    await fine("renewals as context", 7, {
      ...without(first, second),
      context: [...context, first, second],
    }),
    await fine("no entry of the first renewal", 4, without(first)),
    await fine("no entry of the last renewal", 5, without(second)),
    await fine("no entry of a renewal", 2, without(first, second)),
    await changed("a renewal of another stream", 4, first, `"open":${openC}`, `"open":${openA}`),
    await changed("a renewal in another stream", 4, first, '"o":0', `"o":${openA}`),
    await changed("a renewal without a key", 4, first, '"publicKey"', '"key"'),
    await changed(
      "a renewal with a number for a key",
      4,
      first,
      /"publicKey":"[^"]+"/,
      '"publicKey":1',
    ),
    await changed("a renewal of another name", 4, first, "continued", "extended"),
    await changed("an opening without a key", 7, openC, '"publicKey"', '"key"'),
    await late(story),
  ]
}

/** The port says what it should have said before: the first renewal stands behind what it signed. */
async function late(story: Story): Promise<Crafted> {
  const { log, openC, leavesC, aboutC, batchesC } = story
  const [, first, beat] = aboutC as [number, number, number]
  const other = new SmallLog()
  other.leaves.push(...log.leaves)
  const event = (index: number) =>
    (log.leaves[index] as Buffer).toString().split("\n") as [string, string]
  const swap = (at: number, from: number) => {
    other.leaves[at] = Buffer.from(`${event(at)[0]}\n${event(from)[1]}`)
  }
  swap(first, beat)
  swap(beat, first)
  const leaves = [...leavesC, ...aboutC]
  const part = { open: openC, first: 0, next: 13, leaves, batches: batchesC }
  const bytes = fileOf(await streamDraft({ ...story, log: other }, part))
  return {
    name: "a renewal after what it signed",
    bytes,
    trust: "policy",
    verdict: "WITNESSED",
    writerSigned: 4,
  }
}
