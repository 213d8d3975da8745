import type { SearchIndex } from "../index/index.ts"
import { readEntry } from "./entry.ts"
import { type Scan, type ScanBudget, type ScanPlan, scan } from "./scan.ts"

export interface FindPlan extends ScanPlan {
  /** Undefined: from the log alone. */
  readonly index: SearchIndex | undefined
}

/**
 * Entries that fulfil the query, from the index as far as it goes and by scanning the log beyond it. What the index finds was
 * read from the log and held against the query like everything else; that it leaves nothing out is its word alone.
 */
export async function find(plan: FindPlan): Promise<Scan> {
  const { index, position, order } = plan
  // Where all fit, the log itself is the quickest index.
  const indexed = plan.query.kind === "all" ? 0 : (index?.state().indexed ?? 0)
  const edge = Math.min(Math.max(indexed, position.from), position.to)
  const beyond = { ...position, from: edge }
  const within = { ...position, to: edge }
  const byIndex = (budget: ScanBudget) => findIndexed(plan, index as SearchIndex, within, budget)
  const byScan = (budget: ScanBudget) => scan({ ...plan, position: beyond, budget })
  if (edge === position.from) return byScan(plan.budget)
  if (edge === position.to) return byIndex(plan.budget)
  const [nearer, farther] = order === "asc" ? [byIndex, byScan] : [byScan, byIndex]
  const begin = plan.elapsedMs()
  const first = await nearer(plan.budget)
  const left = budgetLeft(plan.budget, first, plan.elapsedMs() - begin)
  const isUsedUp = first.rest.from < first.rest.to || left.rows < 1 || left.bytes < 1 || left.ms < 0
  if (isUsedUp) return { rows: first.rows, rest: restOf(plan, first, edge) }
  const second = await farther(left)
  return { rows: [...first.rows, ...second.rows], rest: second.rest }
}

/** What is left when the part that came first used the budget up: the rest of it, and the other part whole. */
function restOf({ position, order }: FindPlan, { rest }: Scan, edge: number): Scan["rest"] {
  const isDone = rest.from === rest.to
  if (order === "asc") return { ...position, from: isDone ? edge : rest.from }
  return { ...position, to: isDone ? edge : rest.to }
}

function budgetLeft(budget: ScanBudget, { rows }: Scan, ms: number): ScanBudget {
  const bytes = rows.reduce((sum, { leaf }) => sum + leaf.length, 0)
  return {
    rows: budget.rows - rows.length,
    bytes: budget.bytes - bytes,
    entries: budget.entries,
    ms: budget.ms - ms,
  }
}

async function findIndexed(
  { query, order }: FindPlan,
  index: SearchIndex,
  { size, from, to }: ScanPlan["position"],
  { rows, bytes, ms }: ScanBudget,
): Promise<Scan> {
  const { hits, rest } = await index.search({ query, order, from, to, rows, bytes, ms })
  return {
    rows: hits.map((hit) => readEntry(hit.index, hit.leaf)),
    rest: { size, from: rest.from, to: rest.to },
  }
}
