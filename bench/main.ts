/**
 * `npm run bench`: fresh servers as `postern init` configures them, loaded by a generator in a process of its own.
 * What is measured and how stands in docs/performance.md. Linux only: CPU and memory come from /proc.
 */
import { writeFileSync } from "node:fs"
import { baseMismatch, type Comparison, compareTrees, formatComparisons } from "./compare.ts"
import { chooseCells, measureCells } from "./matrix.ts"
import { type Options, parseOptions, usage } from "./options.ts"
import { describeMachine, formatTable } from "./rows.ts"
import { killGenerators } from "./run.ts"
import { cleanUp, removeLeftovers } from "./server.ts"
import { formatStartup, measureStartup } from "./startup.ts"
import { house, loadTree, type Tree } from "./tree.ts"

/** What is compared if nothing else is asked for. */
const gateCells = ["postern/1,app,8,100", "postern/1,kubernetes,8,100"]

function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Measures what the options ask for and prints it. The result goes into the JSON file. */
async function measure(tree: Tree, options: Options): Promise<object> {
  if (options.compare !== undefined) return compare(tree, options.compare, options)
  if (options.startup !== undefined) {
    const startup = await measureStartup(tree, options.startup, note)
    print(formatStartup(startup))
    return { startup }
  }
  const { rows, failures } = await measureCells(tree, chooseCells(options), options, note)
  print(formatTable(rows))
  if (failures.length > 0) process.exitCode = 1
  return { rows, failures }
}

async function compare(ours: Tree, directory: string, options: Options): Promise<object> {
  const mismatch = baseMismatch(directory)
  if (mismatch !== undefined) note(mismatch)
  const base = await loadTree(directory)
  const only = options.only.length === 0 ? gateCells : options.only
  const cells = chooseCells({ ...options, only }).filter((cell) => cell.load === "full")
  const comparisons: Comparison[] = []
  for (const cell of cells) {
    comparisons.push(await compareTrees({ ours, base }, cell, options.measureMs, note))
  }
  print(formatComparisons(comparisons))
  return { comparisons }
}

async function main(): Promise<void> {
  if (process.platform !== "linux") throw new Error("CPU and memory are read from Linux's /proc")
  const options = readOptions()
  removeLeftovers()
  const machine = describeMachine()
  const figures = await measure(await loadTree(house), options)
  if (options.json === undefined) return
  writeFileSync(options.json, `${JSON.stringify({ machine, ...figures }, null, 2)}\n`)
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    note(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return process.exit(64)
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130))
}
process.on("exit", () => {
  killGenerators()
  cleanUp()
})
main().catch((error) => {
  note(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exit(1)
})
