/** The thread that builds: reads the log, writes parts, gives pieces to the thread that answers. */
import { setPriority } from "node:os"
import { type MessagePort, parentPort, workerData } from "node:worker_threads"
import { assert } from "@postern/log/base"
import { openSegmentKeys } from "../../disclosures/index.ts"
import { followLog, lendSegmentKeys } from "../../disk/index.ts"
import { Builder } from "./builder.ts"
import { IndexDirectory } from "./index-directory.ts"
import type { AnswerNews, BuildNews, BuildOrder, BuildReport, ThreadPlace } from "./messages.ts"
import { SectionCache } from "./section-cache.ts"
import { Segments } from "./segments.ts"

const { log, index, keys, answers } = workerData as ThreadPlace & { readonly answers: MessagePort }
const owner = parentPort
assert(owner !== null, "this file runs as a thread")
// Of one thread on Linux, of the whole process elsewhere.
if (process.platform === "linux") setPriority(0, 19)

const tell = (report: BuildReport): void => owner.postMessage(report)
const give = (news: BuildNews): void => answers.postMessage(news)

if (keys !== undefined) lendSegmentKeys(openSegmentKeys(keys))
const view = await followLog(log)
const directory = await IndexDirectory.open(index)
const segments = new Segments(log)
await segments.refresh(view.head().minimum)
const parts = await directory.openParts(view, segments.start, new SectionCache(0))
const builder = new Builder(log, view, directory, {
  onPart: (first) => give({ kind: "part", first }),
  onGroup: (first) => give({ kind: "group", first }),
  onPiece: (bytes) => {
    answers.postMessage({ kind: "piece", bytes } satisfies BuildNews, [bytes.buffer])
  },
  onPruned: (minimum) => give({ kind: "pruned", minimum }),
  onReset: () => {
    give({ kind: "reset", seed: directory.seed })
    tell({ kind: "reset" })
  },
  onProgress: (progress) => tell({ kind: "progress", progress }),
})
give({ kind: "parts", firsts: parts.map(({ first }) => first), seed: directory.seed })
await builder.begin(parts.map(({ first, end }) => ({ from: first, to: end })))
for (const part of parts) part.close()

answers.on("message", ({ first, reason }: AnswerNews) => {
  tell({ kind: "damaged", first, reason })
  builder.lose(first)
})
owner.on("message", ({ kind }: BuildOrder) => {
  if (kind === "rebuild") builder.rebuild()
  else builder.stop()
})
await builder.follow()
await view.close()
directory.close()
answers.close()
owner.close()
