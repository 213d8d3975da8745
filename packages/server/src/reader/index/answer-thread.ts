/** The thread that answers: holds the parts and the pieces, reads hits from the log, so that the reader's own loop waits for nothing. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads"
import { assert, isPosternError } from "@postern/log/base"
import { openSegmentKeys } from "../../disclosures/index.ts"
import { followLog, lendSegmentKeys } from "../../disk/index.ts"
import { Answering } from "./answering.ts"
import type {
  AnswerNews,
  AnswerReport,
  Asked,
  BuildNews,
  Question,
  ThreadPlace,
} from "./messages.ts"
import { PartDamaged } from "./part-source.ts"

const { log, index, keys, builds } = workerData as ThreadPlace & { readonly builds: MessagePort }
const owner = parentPort
assert(owner !== null, "this file runs as a thread")

const tell = (report: AnswerReport): void => owner.postMessage(report)
const lose = (first: number, reason: string): void => {
  builds.postMessage({ kind: "damaged", first, reason } satisfies AnswerNews)
}
if (keys !== undefined) lendSegmentKeys(openSegmentKeys(keys))
const view = await followLog(log)
const answering = await Answering.open(log, index, view, new Uint8Array(16), lose)
/** News are taken in one after the other. */
let taken: Promise<void> = Promise.resolve()

builds.on("message", (news: BuildNews) => {
  taken = taken.then(() => take(news))
})
owner.on("message", (message: Asked | "stop") => {
  if (message === "stop") void stop()
  else void answer(message)
})

async function take(news: BuildNews): Promise<void> {
  if (news.kind === "parts" || news.kind === "reset") answering.reset(news.seed)
  if (news.kind === "parts") for (const first of news.firsts) await addPart(first)
  if (news.kind === "part") await addPart(news.first)
  if (news.kind === "group") addGroup(news.first)
  if (news.kind === "pruned") await answering.prune(news.minimum)
  if (news.kind === "piece") await answering.addPiece(news.bytes)
  tell({ kind: "state", state: answering.state() })
}

async function addPart(first: number): Promise<void> {
  try {
    await answering.addPart(first)
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === "ENOENT"
    if (!isGone && !(error instanceof PartDamaged)) throw error
    lose(first, String(error))
  }
}

/** Without it each of its parts is asked, as before. */
function addGroup(first: number): void {
  try {
    answering.addGroup(first)
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === "ENOENT"
    if (!isGone && !(error instanceof PartDamaged)) throw error
  }
}

async function answer({ number, asked }: Asked): Promise<void> {
  try {
    tell({ kind: "answer", number, answer: await answerTo(asked) })
  } catch (error) {
    const code = isPosternError(error) ? error.code : undefined
    const message = isPosternError(error) ? (error.detail ?? error.message) : String(error)
    tell({ kind: "failure", number, code, message })
  }
}

function answerTo(asked: Question): Promise<unknown> {
  if (asked.kind === "search") return answering.search(asked.question)
  if (asked.kind === "histogram") return answering.histogram(asked.question)
  if (asked.kind === "facets") return answering.facets(asked.question)
  return answering.values(asked.field, asked.begun, asked.top)
}

async function stop(): Promise<void> {
  builds.close()
  await taken
  answering.close()
  await view.close()
  owner?.close()
}
