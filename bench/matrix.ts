import { allCells, type Cell, isQuick, isSingle, matchesText, openWindow } from "./cells.ts"
import type { Options } from "./options.ts"
import { runGenerator } from "./run.ts"
import { type Row, rowOf } from "./rows.ts"
import { withServer } from "./server.ts"
import type { Figures } from "./task.ts"
import type { Tree } from "./tree.ts"

const warmMs = 1500
const shares = { full: 1, half: 0.5, tenth: 0.1 } as const

/** The cells that the options ask for. Half and tenth need the full load of the same cell, which is added. */
export function chooseCells(options: Pick<Options, "quick" | "only" | "window">): Cell[] {
  const { quick, only, window } = options
  const all = allCells().map((cell) => withWindow(cell, window))
  if (only.length === 0) return all.filter((cell) => !quick || isQuick(cell))
  const chosen = all.filter((cell) => only.some((text) => matchesText(cell, text)))
  if (chosen.length === 0) throw new Error(`no row is ${only.join(" or ")}`)
  return all.filter((cell) => {
    return chosen.some((wanted) => wanted.load === cell.load ? isSame(wanted, cell) : cell.load === "full" && isSame(wanted, cell))
  })
}

function withWindow(cell: Cell, window: number | undefined): Cell {
  return window === undefined || cell.protocol !== "postern/1" || isSingle(cell) ? cell : { ...cell, window }
}

function isSame(a: Cell, b: Cell): boolean {
  const names = ["protocol", "event", "connections", "batch", "window"] as const
  return names.every((name) => a[name] === b[name])
}

/** Runs cell after cell, one fresh server for each run. `fullRate`: events per second of the cell's full load. */
export async function measureCells(
  tree: Tree,
  cells: readonly Cell[],
  options: Pick<Options, "runs" | "measureMs">,
  note: (text: string) => void,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const [i, cell] of cells.entries()) {
    const full = rows.find((row) => row.load === "full" && isSame(row, cell))
    const runs: Figures[] = []
    for (let run = 0; run < options.runs; run++) {
      note(`[${i + 1}/${cells.length}] ${describeCell(cell)}, run ${run + 1} of ${options.runs}`)
      runs.push(await measureCell(tree, cell, options.measureMs, full?.eventsPerSecond))
    }
    rows.push(rowOf(cell, runs))
  }
  return rows
}

/** One run on a fresh server. */
export function measureCell(
  tree: Tree,
  cell: Cell,
  measureMs: number,
  fullRate: number | undefined,
): Promise<Figures> {
  const { load, window, ...rest } = cell
  if (load !== "full" && fullRate === undefined) throw new Error(`${load} needs the full load first`)
  return withServer(tree, ({ pid, port, profile }) => {
    const task = { pid, port, profile, ...rest, warmMs, measureMs }
    if (fullRate === undefined || load === "full") return runGenerator({ ...task, window })
    const eventsPerSecond = fullRate * shares[load]
    return runGenerator({ ...task, window: openWindow, eventsPerSecond })
  })
}

export function describeCell({ protocol, event, connections, batch, load, window }: Cell): string {
  const flight = window === 1 && protocol === "postern/1" ? ", one in flight" : ""
  return `${protocol} ${event}, ${connections} connections, batches of ${batch}, ${load} load${flight}`
}
