import { allCells, type Cell, isQuick, isSingle, matchesText, openWindow } from "./cells.ts"
import type { Options } from "./options.ts"
import { type Row, rowOf } from "./rows.ts"
import { runGenerator } from "./run.ts"
import { type Server, withServer } from "./server.ts"
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
    return chosen.some((wanted) => {
      return isSame(wanted, cell) && (cell.load === wanted.load || cell.load === "full")
    })
  })
}

function withWindow(cell: Cell, window: number | undefined): Cell {
  if (window === undefined || cell.protocol !== "postern/1" || isSingle(cell)) return cell
  return { ...cell, window }
}

/** The same but for the load. */
function isSame(a: Cell, b: Cell): boolean {
  const names = ["protocol", "event", "connections", "batch", "policy", "window"] as const
  return names.every((name) => a[name] === b[name])
}

export interface Measured {
  readonly rows: readonly Row[]
  /** Rows that could not be measured. */
  readonly failures: readonly { readonly cell: Cell; readonly error: string }[]
}

/** Runs cell after cell, a fresh server for each run. */
export async function measureCells(
  tree: Tree,
  cells: readonly Cell[],
  options: Pick<Options, "runs" | "measureMs">,
  note: (text: string) => void,
): Promise<Measured> {
  const rows: Row[] = []
  const failures: Measured["failures"][number][] = []
  for (const [i, cell] of cells.entries()) {
    const full = rows.find((row) => row.load === "full" && isSame(row, cell))
    const runs: Figures[] = []
    try {
      for (let run = 0; run < options.runs; run++) {
        note(`${i + 1} of ${cells.length}: ${describeCell(cell)}, run ${run + 1}`)
        runs.push(await measureCell(tree, cell, options.measureMs, full?.eventsPerSecond))
      }
      rows.push(rowOf(cell, runs))
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause)
      failures.push({ cell, error })
      note(`no figures for ${describeCell(cell)}: ${error}`)
    }
  }
  return { rows, failures }
}

/** One run on a fresh server. `fullRate`: events per second of the same cell at full load. */
export function measureCell(
  tree: Tree,
  cell: Cell,
  measureMs: number,
  fullRate?: number,
): Promise<Figures> {
  const { load, policy, window, ...rest } = cell
  const run = ({ pid, port, profile }: Server): Promise<Figures> => {
    const task = { pid, port, profile, ...rest, warmMs, measureMs }
    if (load === "full") return runGenerator({ ...task, window })
    if (fullRate === undefined) throw new Error("the full load has no figures")
    return runGenerator({ ...task, window: openWindow, eventsPerSecond: fullRate * shares[load] })
  }
  return withServer(tree, policy, run, cell.protocol === "otlp" ? "otlp" : undefined)
}

export function describeCell(cell: Cell): string {
  const { protocol, event, connections, batch, load, policy } = cell
  const flight = isSingle(cell) ? ", one in flight" : ""
  return `${protocol}, ${event}, ${connections} connections, batch ${batch}, ${load} load, policy: ${policy}${flight}`
}
