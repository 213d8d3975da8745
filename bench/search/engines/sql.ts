import type { Answer } from "../measured.ts"
import {
  type Condition,
  deepFrom,
  deepPages,
  facetTop,
  pageRows,
  type Question,
} from "../questions.ts"

/** How a dialect says what is not the same everywhere. */
export interface Dialect {
  /** The table of events, with seq, received (microseconds), source, action, outcome, actor, target. */
  readonly table: string
  readonly columns: string
  /** A condition that the event holds all the words. */
  words(words: readonly string[]): string
  ticket(value: string): string
  namespace(value: string): string
  /** Whole number of buckets of so many microseconds. */
  bucket(widthUs: number): string
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function whereOf(dialect: Dialect, where: Condition, more: readonly string[] = []): string {
  const parts = [...more]
  for (const name of ["actor", "target", "action", "outcome"] as const) {
    const value = where[name]
    if (value !== undefined) parts.push(`${name} = ${quote(value)}`)
  }
  if (where.since !== undefined) parts.push(`received >= ${where.since}`)
  if (where.until !== undefined) parts.push(`received < ${where.until}`)
  if (where.words !== undefined) parts.push(dialect.words(where.words))
  if (where.ticket !== undefined) parts.push(dialect.ticket(where.ticket))
  if (where.namespace !== undefined) parts.push(dialect.namespace(where.namespace))
  return parts.length === 0 ? "" : ` WHERE ${parts.join(" AND ")}`
}

const hourUs = 3_600_000_000

/** Asks in SQL. `run` gives back the rows' first columns. */
export async function askSql(
  dialect: Dialect,
  run: (sql: string) => Promise<readonly (string | number)[]>,
  question: Question,
): Promise<readonly Answer[]> {
  const { table, columns } = dialect
  const newest = (where: Condition, more: readonly string[] = []): string => {
    const rest = `ORDER BY seq DESC LIMIT ${pageRows}`
    return `SELECT ${columns} FROM ${table}${whereOf(dialect, where, more)} ${rest}`
  }
  if (question.ask === "pages") {
    return turnPages((before) => {
      return timed(run, [newest(question.where, before === undefined ? [] : [`seq < ${before}`])])
    })
  }
  if (question.ask === "newest") return [await timed(run, [newest(question.where)])]
  const condition = whereOf(dialect, question.where)
  if (question.ask === "histogram") {
    const counted = `SELECT ${dialect.bucket(question.hours * hourUs)} AS bucket, outcome, count(*)`
    return [await timed(run, [`${counted} FROM ${table}${condition} GROUP BY 1, 2 ORDER BY 1, 2`])]
  }
  const facets = ["actor", "action", "outcome", "source"].map((field) => {
    const counted = `SELECT ${field}, count(*) AS n FROM ${table}${condition}`
    return `${counted} GROUP BY 1 ORDER BY n DESC LIMIT ${facetTop}`
  })
  return [await timed(run, facets)]
}

interface Timed extends Answer {
  readonly last: string | number | undefined
}

async function timed(
  run: (sql: string) => Promise<readonly (string | number)[]>,
  statements: readonly string[],
): Promise<Timed> {
  const began = performance.now()
  let rows = 0
  let last: string | number | undefined
  for (const statement of statements) {
    const found = await run(statement)
    rows += found.length
    last = found.at(-1)
  }
  return { rows, ms: performance.now() - began, last }
}

/** Goes on by key from page to page; only the deep ones are given back. */
async function turnPages(
  turn: (before: string | number | undefined) => Promise<Timed>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  let before: string | number | undefined
  for (let page = 0; page < deepFrom + deepPages; page++) {
    const answer = await turn(before)
    if (page >= deepFrom) answers.push(answer)
    before = answer.last
    if (answer.rows < pageRows) break
  }
  return answers
}
