import { PosternError } from "@postern/log/base"
import { allOf, formatQuery, matches, type Query } from "@postern/log/query"
import type { ReaderGrant } from "../../access/index.ts"
import type { Desk } from "./desk.ts"
import type { ReadEntry } from "./entry.ts"

const ranks = { monitor: 0, investigator: 1, auditor: 2 } as const

/** Whether a grant sees at least as much. */
export function mayAsk({ see }: ReaderGrant, least: ReaderGrant["see"]): boolean {
  return ranks[see] >= ranks[least]
}

/**
 * The question that is answered: what was asked, and what the grant says besides. Every row, count and completion that is given to
 * an investigator goes through it.
 */
export function joined({ query: own }: ReaderGrant, query: Query): Query {
  return own === undefined ? query : allOf([own, query])
}

/** Whether a grant shows an entry that was found without a query. */
export async function isShown(
  { openings }: Desk,
  { query }: ReaderGrant,
  row: ReadEntry,
): Promise<boolean> {
  if (query === undefined) return true
  const { writer } = await openings.of(row)
  return matches(query, row.entry, { index: row.index, writer })
}

/** @throws PosternError NOT_FOUND, which says nothing of the entry */
export async function requireShown(desk: Desk, grant: ReaderGrant, row: ReadEntry): Promise<void> {
  if (await isShown(desk, grant, row)) return
  throw new PosternError("NOT_FOUND", `your grant shows no entry ${row.index}`)
}

/** Whether an answer that was begun under a grant may go on under the one that is in force now. */
export function mayGoOn(begun: ReaderGrant, now: ReaderGrant | undefined): boolean {
  if (now === undefined || !mayAsk(now, begun.see)) return false
  if (now.query === undefined) return true
  return begun.query !== undefined && formatQuery(now.query) === formatQuery(begun.query)
}
