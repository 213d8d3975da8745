import { Samples } from "../samples.ts"
import { type Kind, type Question, questionsOf } from "./questions.ts"

/** What an engine said to one question. */
export interface Answer {
  /** Rows, buckets or values; the measured time ends when the last of them is there. */
  readonly rows: number
  readonly ms: number
  /** Of this, the record that the reader made of the read, and the time for finding, where it says so. */
  readonly recordMs?: number | undefined
  readonly findMs?: number | undefined
  /** False if a budget ended the answer before the question was answered whole. */
  readonly whole?: boolean
}

/** Something that answers questions: a reader over the network, the index room, a database. */
export interface Engine {
  /** One answer to most questions; to `pages` one for each page beyond the first ones. */
  ask(question: Question): Promise<readonly Answer[]>
  close(): Promise<void>
}

export interface Warm {
  readonly kind: string
  readonly questions: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly recordP50Ms: number | undefined
  readonly recordP95Ms: number | undefined
  readonly findP50Ms: number | undefined
  readonly findP95Ms: number | undefined
  /** Mean number of rows in an answer, and how many answers were cut by a budget. */
  readonly rows: number
  readonly cut: number
  /** Set if the engine cannot answer this. */
  readonly failed?: string
}

export interface Effort {
  /** Questions of each kind; fewer if they take too long. */
  readonly questions: number
  readonly kindMsMax: number
}

const warmShare = 0.15
const questionsMin = 3

/** Asks a kind's questions once without looking at the time, as a part of them, then measures. */
export async function measureWarm(engine: Engine, kind: Kind, effort: Effort): Promise<Warm> {
  const questions = questionsOf(kind, Math.ceil(effort.questions * (1 + warmShare)))
  const warmUp = questions.length - effort.questions
  const answers: Answer[] = []
  const began = performance.now()
  try {
    for (const [i, question] of questions.entries()) {
      const late = performance.now() - began > effort.kindMsMax
      if (late && answers.length >= questionsMin) break
      const said = await engine.ask(question)
      // An engine that has used up half of its time in warming up goes on with what is left.
      const measured = i >= warmUp || performance.now() - began > effort.kindMsMax / 2
      if (measured) answers.push(...said)
    }
  } catch (error) {
    return { ...warmOf(kind.name, []), failed: error instanceof Error ? error.message : `${error}` }
  }
  return warmOf(kind.name, answers)
}

function warmOf(kind: string, answers: readonly Answer[]): Warm {
  const [p50Ms = Number.NaN, p95Ms = Number.NaN] = quantiles(answers.map(({ ms }) => ms)) ?? []
  const record = quantiles(answers.flatMap(({ recordMs }) => recordMs ?? []))
  const find = quantiles(answers.flatMap(({ findMs }) => findMs ?? []))
  return {
    kind,
    questions: answers.length,
    p50Ms,
    p95Ms,
    recordP50Ms: record?.[0],
    recordP95Ms: record?.[1],
    findP50Ms: find?.[0],
    findP95Ms: find?.[1],
    rows: answers.reduce((sum, { rows }) => sum + rows, 0) / answers.length,
    cut: answers.filter(({ whole }) => whole === false).length,
  }
}

function quantiles(times: readonly number[]): readonly number[] | undefined {
  if (times.length === 0) return undefined
  const samples = new Samples()
  for (const ms of times) samples.add(ms)
  return samples.quantiles(0.5, 0.95)
}

export interface Cold {
  readonly kind: string
  /** Median over several fresh starts, each with another question. */
  readonly ms: number
  readonly worstMs: number
  /** Answers that a budget ended before the question was answered whole. */
  readonly cut: number
  readonly failed?: string
}

export interface ColdWorld {
  /** How often each kind is asked cold. */
  readonly rounds: number
  /** Takes everything out of the cache and starts the engine anew. */
  open(): Promise<Engine>
}

/** First answers after a fresh start with nothing in the page cache. */
export async function measureCold(world: ColdWorld, kind: Kind): Promise<Cold> {
  const times: number[] = []
  let cut = 0
  try {
    for (const question of questionsOf(kind, world.rounds)) {
      const engine = await world.open()
      try {
        const [first] = await engine.ask(question)
        if (first === undefined) continue
        times.push(first.ms)
        if (first.whole === false) cut += 1
      } finally {
        await engine.close()
      }
    }
  } catch (error) {
    const failed = error instanceof Error ? error.message : `${error}`
    return { kind: kind.name, ms: Number.NaN, worstMs: Number.NaN, cut, failed }
  }
  const samples = new Samples()
  for (const ms of times) samples.add(ms)
  const [ms = Number.NaN, worstMs = Number.NaN] = samples.quantiles(0.5, 1)
  return { kind: kind.name, ms, worstMs, cut }
}
