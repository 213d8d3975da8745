import { blockRows } from "./token-blocks.ts"

/** Rows of a part: all, none, or a word for each block with a bit for each row. Never changed once made. */
export type Rows = "all" | "none" | Int32Array

/** What is known of a question without reading the log. Rows of `must` fulfil it, rows outside `may` do not. */
export interface Decision {
  readonly may: Rows
  readonly must: Rows
}

export const decided = {
  all: { may: "all", must: "all" },
  none: { may: "none", must: "none" },
  unknown: { may: "all", must: "none" },
} as const satisfies Record<string, Decision>

export function and(a: Rows, b: Rows): Rows {
  if (a === "none" || b === "none") return "none"
  if (a === "all") return b
  if (b === "all") return a
  const rows = new Int32Array(a.length)
  let some = 0
  for (let i = 0; i < rows.length; i++) {
    const word = (a[i] as number) & (b[i] as number)
    rows[i] = word
    some |= word
  }
  return some === 0 ? "none" : rows
}

export function or(a: Rows, b: Rows): Rows {
  if (a === "all" || b === "all") return "all"
  if (a === "none") return b
  if (b === "none") return a
  return a.map((word, i) => word | (b[i] as number))
}

export function not(a: Rows): Rows {
  if (a === "all") return "none"
  if (a === "none") return "all"
  return a.map((word) => ~word)
}

/** Rows `[from, to)` of a part with so many. */
export function between(from: number, to: number, count: number): Rows {
  if (from <= 0 && to >= count) return "all"
  if (from >= to) return "none"
  const rows = new Int32Array(Math.ceil(count / blockRows))
  const [first, last] = [Math.floor(from / blockRows), Math.floor((to - 1) / blockRows)]
  rows.fill(-1, first, last + 1)
  rows[first] = (rows[first] as number) & (-1 << (from % blockRows))
  const beyond = to % blockRows
  if (beyond !== 0) rows[last] = (rows[last] as number) & ~(-1 << beyond)
  return rows
}

/** Rows within `[from, to)` of a part with `count`, as words of the caller's own; no bit is set beyond the last. */
export function within(
  rows: Rows,
  from: number,
  to: number,
  count: number,
): Int32Array | undefined {
  const found = and(rows, between(Math.max(0, from), Math.min(count, to), count))
  if (found === "none") return undefined
  const words =
    found === "all" ? new Int32Array(Math.ceil(count / blockRows)).fill(-1) : found.slice()
  const last = words.length - 1
  if (count % blockRows !== 0) words[last] = (words[last] as number) & ~(-1 << (count % blockRows))
  return words
}
