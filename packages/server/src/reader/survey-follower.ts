import { existsSync, readFileSync } from "node:fs"
import { formatBase64, isPosternError } from "@postern/log/base"
import { treeRoot } from "@postern/log/tlog"
import { type LogView, replaceFile } from "../disk/index.ts"
import {
  formatSurvey,
  parseSurvey,
  type Survey,
  type SurveyWorld,
  startSurvey,
  surveyLeaf,
} from "./survey/index.ts"

/** Keeps a survey of the log up to date, beside everything else that the process does. */
export interface SurveyFollower {
  /** What is known now. */
  survey(): Survey
  /** Whether it has reached the head once: before, what it says is of the log's beginning only. */
  isComplete(): boolean
  /** Writes down how far it is; resolves when it has stopped. */
  close(): Promise<void>
}

export interface SurveyFollowerOptions {
  readonly view: LogView
  /** Where it is kept for the next start. What cannot be read there, or is of another tree, is made anew. */
  readonly file: string
  readonly world: SurveyWorld
  /** Hears why it stopped or could not be kept. */
  failed(what: string, error: unknown): void
}

const stretchEntries = 2048
const stretchBytes = 1_048_576
/** Between two looks, so that a busy log is read in long stretches and an idle one costs nothing. */
const pauseMs = 500
/** The process answers others between two stretches. */
const breathMs = 2
const keepMs = 60_000

export function followSurvey(options: SurveyFollowerOptions): SurveyFollower {
  const { view, file, world, failed } = options
  let survey = startSurvey()
  let isComplete = false
  let closing = false
  let keptAt = { position: 0, ms: performance.now() }
  let wake = (): void => undefined

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async function run(): Promise<void> {
    survey = (await readKept(view, file)) ?? survey
    keptAt = { position: survey.position, ms: performance.now() }
    while (!closing) {
      const { size, minimum } = view.head()
      if (survey.position < minimum) {
        // What went is not counted; what goes on from there is known by the entries that were kept.
        for (const { index, leaf } of view.kept()) {
          if (index < survey.position) continue
          survey.position = index
          surveyLeaf(survey, leaf, world)
        }
        survey.position = minimum
      }
      if (survey.position >= size) {
        isComplete = true
        await pause(pauseMs)
      } else {
        const to = Math.min(size, survey.position + stretchEntries)
        const leaves = await view.leaves(survey.position, to, stretchBytes).catch((error) => {
          // It went meanwhile: the head says by now where the log goes on.
          if (isPosternError(error) && error.code === "ENTRY_PRUNED") return []
          throw error
        })
        for (const leaf of leaves) surveyLeaf(survey, leaf, world)
        await pause(breathMs)
      }
      if (performance.now() - keptAt.ms > keepMs) await keep()
    }
    await keep()
  }

  async function keep(): Promise<void> {
    if (survey.position === keptAt.position) return
    keptAt = { position: survey.position, ms: performance.now() }
    const text = formatSurvey(survey, view.origin, await rootAt(view, survey.position))
    await replaceFile(file, text).catch((error) => failed("could not be kept", error))
  }

  const running = run().catch((error) => failed("stopped", error))
  async function close(): Promise<void> {
    closing = true
    wake()
    await running
  }
  return { survey: () => survey, isComplete: () => isComplete, close }
}

async function readKept(view: LogView, file: string): Promise<Survey | undefined> {
  if (!existsSync(file)) return undefined
  const kept = parseSurvey(readFileSync(file, "utf8"), view.origin)
  if (kept === undefined || kept.survey.position > view.head().size) return undefined
  return (await rootAt(view, kept.survey.position)) === kept.root ? kept.survey : undefined
}

async function rootAt(view: LogView, size: number): Promise<string> {
  return formatBase64(await treeRoot(size, (level, from, to) => view.hashes(level, from, to)))
}
