/**
 * What is asked, of every engine alike. A question stands here in the terms of the events; each engine puts it into its
 * own language.
 */
import { createRandom, type Random } from "../random.ts"
import { spanDays } from "./audit-events.ts"
import type { Chosen } from "./chosen.ts"
import { commonWords, strangers } from "./words.ts"

/** Conditions on events, all of which must hold. Times in microseconds of received time. */
export interface Condition {
  readonly actor?: string
  readonly target?: string
  readonly action?: string
  readonly outcome?: string
  readonly since?: number
  readonly until?: number
  /** Words that stand somewhere in the event. */
  readonly words?: readonly string[]
  readonly ticket?: string
  readonly namespace?: string
}

export type Question =
  | { readonly ask: "newest"; readonly where: Condition }
  /** So many pages of 100 into the answer; engines that page by keys go on from where the last page ended. */
  | { readonly ask: "pages"; readonly where: Condition }
  | { readonly ask: "histogram"; readonly where: Condition; readonly hours: number }
  | { readonly ask: "facets"; readonly where: Condition }

/** Rows of one kind of the table. */
export interface Kind {
  readonly name: string
  /** Warm p95 and cold first answer of docs/performance.md, milliseconds. */
  readonly aimMs: number
  /** Its answers stand behind others that have to be asked for first: there is no cold one. */
  readonly walks?: true
  question(random: Random): Question
}

export const pageRows = 100
export const facetTop = 20
/** Pages that are turned before the measured ones. */
export const deepFrom = 10
/** Pages that are measured then. */
export const deepPages = 5
const dayUs = 86_400_000_000

export function kindsOf(chosen: Chosen, endMs: number): readonly Kind[] {
  const end = endMs * 1000
  const monthAgo = end - 30 * dayUs
  const whole = { since: end - spanDays * dayUs, until: end }
  const of = <T>(values: readonly T[] = []) => {
    const [first, ...rest] = values
    if (first === undefined) throw new Error("the log is too small for questions")
    return (random: Random): T => random.pick([first, ...rest])
  }
  const [actor, target, failure] = [of(chosen.actors), of(chosen.targets), of(chosen.failures)]
  const [rare, request, ticket] = [of(chosen.rareWords), of(chosen.requests), of(chosen.tickets)]
  const [namespace, common, pair] = [of(chosen.namespaces), of(commonWords), of(strangers)]
  const newest = (name: string, aimMs: number, where: (random: Random) => Condition): Kind => {
    return { name, aimMs, question: (random) => ({ ask: "newest", where: where(random) }) }
  }
  const count = (name: string, question: (random: Random) => Question): Kind => {
    return { name, aimMs: 50, question }
  }
  const histogram = (hours: number, where: (random: Random) => Condition) => {
    return (random: Random): Question => ({ ask: "histogram", hours, where: where(random) })
  }
  return [
    newest("newest 100", 5, () => ({})),
    newest("actor in 30 days", 25, (random) => ({ actor: actor(random), since: monthAgo })),
    newest("target", 25, (random) => ({ target: target(random) })),
    newest("action and failure in a day", 25, (random) => {
      const { action, received } = failure(random)
      const since = Math.floor(received / dayUs) * dayUs
      return { action, outcome: "failure", since, until: since + dayUs }
    }),
    newest("rare token", 25, (random) => ({ words: [rare(random)] })),
    newest("request id", 25, (random) => ({ words: [request(random)] })),
    newest("JSON path, rare value", 25, (random) => ({ ticket: ticket(random) })),
    newest("JSON path, common value", 25, (random) => ({ namespace: namespace(random) })),
    newest("common token", 25, (random) => ({ words: [common(random)] })),
    {
      name: "deep page by cursor",
      aimMs: 25,
      walks: true,
      question: (random) => ({ ask: "pages", where: { words: [common(random)] } }),
    },
    newest("two common words, rare together", 60, (random) => ({ words: pair(random) })),
    count(
      "histogram by 3 hours, all",
      histogram(3, () => whole),
    ),
    count(
      "histogram by day, all",
      histogram(24, () => whole),
    ),
    count(
      "histogram by 3 hours, filtered",
      histogram(3, (random) => ({ ...whole, actor: actor(random) })),
    ),
    count(
      "histogram by day, filtered",
      histogram(24, () => ({ ...whole, outcome: "denied" })),
    ),
    count("top-20 facets, all", () => ({ ask: "facets", where: {} })),
    count("top-20 facets, filtered", (random) => {
      return { ask: "facets", where: { action: failure(random).action } }
    }),
  ]
}

/** The questions of a kind: the same in every run and for every engine. */
export function questionsOf(kind: Kind, count: number): readonly Question[] {
  const random = createRandom(4711)
  return Array.from({ length: count }, () => kind.question(random))
}

const fields = ["actor", "target", "action", "outcome"] as const

/** The condition in the query language of Postern; times are parameters beside it. */
export function queryText(where: Condition): string {
  const parts = fields.flatMap((name) => {
    const value = where[name]
    return value === undefined ? [] : [`${name}:${JSON.stringify(value)}`]
  })
  if (where.ticket !== undefined) parts.push(`data.ticket:${JSON.stringify(where.ticket)}`)
  if (where.namespace !== undefined) {
    parts.push(`data.kubernetes.objectRef.namespace:${JSON.stringify(where.namespace)}`)
  }
  return [...parts, ...(where.words ?? [])].join(" AND ")
}
