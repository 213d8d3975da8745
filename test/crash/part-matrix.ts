import { makeScratch, removeScratch } from "./cleanup.ts"
import type { Decisions } from "./decisions.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import type { Blow, Call, Point } from "./matrix/calls.ts"
import { Course } from "./matrix/course.ts"
import { rollover } from "./matrix/rollover.ts"
import { emptyLog, type Scene } from "./matrix/scene.ts"
import type { Part, Programme } from "./programme.ts"
import { straceMissing } from "./strace.ts"

const blows: readonly Blow[] = ["EIO", "ENOSPC", "kill"]

/**
 * Every single call of the port on its log directory, from the first one of an empty log over batches and new segments
 * to a checkpoint: each fails once with EIO, once with ENOSPC, and once the process is killed in it.
 */
export const matrix = matrixOf({
  name: "matrix",
  title: "Crash matrix: each system call on the log directory",
  scene: async (installation) => emptyLog(installation),
  sampleSecondsMax: 42,
})

/** The same for a life of the port in which the log key changes, from its start over the entry and the proof to the checkpoint. */
export const rolloverMatrix = matrixOf({
  name: "rollover",
  title: "Crash matrix: each system call while the log key changes",
  scene: rollover,
  sampleSecondsMax: 20,
})

interface Matrix {
  readonly name: string
  readonly title: string
  readonly scene: (installation: Installation, scratch: string) => Promise<Scene>
  /** Of the short form, which strikes as many points as that leaves time for. */
  readonly sampleSecondsMax: number
}

function matrixOf({ name, title, scene, sampleSecondsMax }: Matrix): Part {
  const run = async (programme: Programme): Promise<void> => {
    const { report } = programme
    const missing = straceMissing()
    if (missing !== undefined) {
      report.line(`left out: ${missing}`)
      if (process.env.CI !== undefined) report.check(false, missing)
      return
    }
    const scratch = makeScratch()
    try {
      const begins = await scene(await makeInstallation(`${scratch}/i`), scratch)
      const course = new Course(begins, scratch)
      const { calls, faults } = await course.list()
      report.checkNone(faults, "a course without faults")
      const points = calls.flatMap((call) => blows.map((blow) => ({ ...call, blow })))
      report.line(`${calls.length} calls (${kindsOf(calls)}), ${points.length} points`)
      report.count("calls of the course", calls.length)
      await strikeAll(programme, course, points, sampleSecondsMax)
    } finally {
      removeScratch(scratch)
    }
  }
  return { name, title, run }
}

async function strikeAll(
  { report, decisions, isLong }: Programme,
  course: Course,
  points: readonly Point[],
  sampleSecondsMax: number,
): Promise<void> {
  const chosen = isLong ? points : sampleOf(points, decisions)
  const end = performance.now() + sampleSecondsMax * 1000
  let struck = 0
  let reached = 0
  for (const point of chosen) {
    if (!isLong && performance.now() > end) break
    const what = `${point.blow} at ${point.call} ${point.nth} of ${nameOf(point.path)}`
    try {
      const { code, faults, reached: wasReached } = await course.strike(point)
      report.checkNone(faults, what)
      if (wasReached) reached += 1
      else report.line(`not reached: ${what}`)
      const ended = code === 0 ? "went on" : code === null ? "killed" : `ended with ${code}`
      report.count(
        wasReached ? `${point.blow}: ${ended}` : "points that this time were not reached",
      )
    } catch (error) {
      report.check(false, `${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
    struck += 1
    if (struck % 50 === 0) report.line(`${struck} points of ${chosen.length}`)
  }
  const sample = isLong ? "all of them" : `a sample of ${points.length}, by the seed`
  report.line(`${struck} points struck (${sample}), ${reached} of them reached`)
  report.count("points struck", struck)
  report.check(reached >= struck * 0.9, `of ${struck} points ${reached} were reached`)
}

/** One of each kind of call and blow, then any. */
function sampleOf(points: readonly Point[], decisions: Decisions): Point[] {
  const left = [...points]
  const shuffled: Point[] = []
  while (left.length > 0) shuffled.push(...left.splice(decisions.between(0, left.length), 1))
  const seen = new Set<string>()
  const isFirst = ({ call, blow }: Point): boolean => {
    const key = `${call} ${blow}`
    return !seen.has(key) && seen.add(key) !== undefined
  }
  const firsts = shuffled.filter(isFirst)
  return [...firsts, ...shuffled.filter((point) => !firsts.includes(point))]
}

function kindsOf(calls: readonly Call[]): string {
  const counts = new Map<string, number>()
  for (const { call } of calls) counts.set(call, (counts.get(call) ?? 0) + 1)
  return [...counts].map(([call, count]) => `${count} ${call}`).join(", ")
}

function nameOf(path: string): string {
  return path.replace(/^.*\/data\//, "")
}
