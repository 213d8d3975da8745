import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Cell } from "./cells.ts"
import { describeCell, measureCell } from "./matrix.ts"
import { median } from "./samples.ts"
import { house, type Tree } from "./tree.ts"

export interface Comparison {
  readonly cell: Cell
  /** Medians of CPU seconds per million events. */
  readonly ours: number
  readonly base: number
  /** Median of the pairs' ratios, ours / base. */
  readonly ratio: number
  readonly ratios: readonly number[]
}

const pairs = 7

/** Server CPU of two checkouts in pairs of runs, so that what else the machine does meets both; who is first alternates. */
export async function compareTrees(
  trees: { readonly ours: Tree; readonly base: Tree },
  cell: Cell,
  measureMs: number,
  note: (text: string) => void,
): Promise<Comparison> {
  const costs = { ours: [] as number[], base: [] as number[] }
  const ratios: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? (["ours", "base"] as const) : (["base", "ours"] as const)
    for (const name of order) {
      const { cpuSecondsPerMillion } = await measureCell(trees[name], cell, measureMs)
      costs[name].push(cpuSecondsPerMillion)
    }
    const [ours = NaN, base = NaN] = [costs.ours.at(-1), costs.base.at(-1)]
    ratios.push(ours / base)
    const figures = `${ours.toFixed(2)} / ${base.toFixed(2)} = ${(ours / base).toFixed(3)}`
    note(`${describeCell(cell)}: pair ${pair + 1} of ${pairs}: ${figures}`)
  }
  const [ours, base] = [median(costs.ours), median(costs.base)]
  return { cell, ours, base, ratio: median(ratios), ratios }
}

export function formatComparisons(comparisons: readonly Comparison[]): string {
  const lines = comparisons.map(({ cell, ours, base, ratio }) => {
    return `| ${describeCell(cell)} | ${ours.toFixed(2)} | ${base.toFixed(2)} | ${ratio.toFixed(3)} |`
  })
  const head = [
    "| CPU s per million | here | base | median ratio |",
    "| --- | ---: | ---: | ---: |",
  ]
  return [...head, ...lines].join("\n")
}

/** What to say if the other checkout is not the one that bench/base names; undefined if all is well. */
export function baseMismatch(directory: string): string | undefined {
  const file = join(house, "bench/base")
  if (!existsSync(file)) return "bench/base is missing: it names the commit to compare with"
  const wanted = readFileSync(file, "utf8").trim()
  const git = ["-C", directory, "rev-parse", "HEAD"]
  const found = execFileSync("git", git, { encoding: "utf8" }).trim()
  return found === wanted ? undefined : `${directory} is at ${found}, bench/base names ${wanted}`
}
