import type { Crafted, Drafts } from "./crafted.ts"
import { disclosures } from "./crafted-disclosures.ts"
import { goodFiles, goodTrees } from "./crafted-good.ts"
import { badForks, badRanges } from "./crafted-kinds.ts"
import { oddLeaves } from "./crafted-leaves.ts"
import { badGzip, badLines, tooMuch } from "./crafted-lines.ts"
import { oddNotes } from "./crafted-notes.ts"
import { oddPieces } from "./crafted-pieces.ts"
import { renewals } from "./crafted-renewals.ts"
import { badStreams, oddChains } from "./crafted-streams.ts"
import { badEnds, oddClaims, oddText } from "./crafted-text.ts"
import { badTree } from "./crafted-tree.ts"
import { forkDraft, rangeDraft, setDraft, streamDraft } from "./drafts.ts"
import { type Story, tellStory } from "./told-story.ts"

export async function craftFiles(): Promise<Crafted[]> {
  const story = tellStory()
  const drafts = await draftsOf(story)
  return [
    ...goodFiles(drafts),
    ...(await goodTrees(story)),
    ...(await oddNotes(story, drafts.set)),
    ...badLines(drafts),
    ...badGzip(drafts),
    ...tooMuch(drafts),
    ...oddText(drafts.set),
    ...oddClaims(drafts.set),
    ...badEnds(drafts.set),
    ...badTree(drafts.set),
    ...(await badRanges(story, drafts.range)),
    ...(await badForks(drafts)),
    ...(await badStreams(story, drafts.streamA)),
    ...(await oddChains(story, drafts.streamA)),
    ...(await renewals(story)),
    ...(await oddLeaves()),
    ...(await disclosures()),
    ...(await oddPieces()),
  ]
}

async function draftsOf(story: Story): Promise<Drafts> {
  const { openA, openB, openHttp, leavesA, leavesB, leavesHttp, aboutA, aboutB, aboutHttp } = story
  const a = { open: openA, first: 0, next: 18, batches: story.batchesA }
  const b = { open: openB, first: 0, next: 8, batches: story.batchesB }
  const http = { open: openHttp, first: 0, next: 7, leaves: [...leavesHttp, ...aboutHttp] }
  return {
    set: await setDraft(story, [leavesA[1], leavesB[0], 40, 77] as number[], [0, 1, 2, 3]),
    range: await rangeDraft(story, 4, 9),
    streamA: await streamDraft(story, { ...a, leaves: [...leavesA, ...aboutA] }),
    streamB: await streamDraft(story, { ...b, leaves: [...leavesB, ...aboutB] }),
    http: await streamDraft(story, http),
    fork: await forkDraft(story),
  }
}
