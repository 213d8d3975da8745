import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { BenchLog } from "./bench-log.ts"
import { runChild } from "./child.ts"
import type { Built, EngineResult, EngineTask } from "./engine-process.ts"
import { databaseKinds } from "./engines/index.ts"
import { dropFromCache } from "./files.ts"
import type { Cold, Effort, Warm } from "./measured.ts"
import { kindsOf } from "./questions.ts"

export interface Compared {
  readonly engine: string
  readonly holds: string
  readonly built: Built
  readonly warm: readonly Warm[]
  readonly cold: readonly Cold[]
}

export interface Skipped {
  readonly engine: string
  readonly why: string
}

const programme = new URL("engine-process.ts", import.meta.url)
/** More events than this would keep a database busy for longer than anybody waits. They divide chosenEvery. */
const eventsMax: Readonly<Record<string, number>> = {
  "SQLite FTS5": 2_500_000,
  DuckDB: 5_000_000,
  PostgreSQL: 1_000_000,
}
const strides = [1, 2, 4, 5, 10, 20]
const scratch = new Set<string>()
const endMs = 1_000

/** Takes away what databases have written, for a bench that ends early. */
export function removeDatabases(): void {
  // A server that was just told to end still has files open there.
  if (scratch.size > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, endMs)
  for (const directory of scratch) {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

export interface Comparison {
  readonly compared: readonly Compared[]
  readonly skipped: readonly Skipped[]
}

/** Builds each database that there is, one after the other, and asks it what the reader is asked. `keep` hears of each that is done. */
export async function compareDatabases(
  log: BenchLog,
  effort: Effort,
  keep: (soFar: Comparison) => void,
  note: (text: string) => void,
): Promise<void> {
  const compared: Compared[] = []
  const skipped: Skipped[] = []
  for (const { name, holds, missing } of databaseKinds) {
    const why = await missing()
    if (why !== undefined) {
      skipped.push({ engine: name, why })
      continue
    }
    const directory = mkdtempSync(join(tmpdir(), "postern-bench-engine-"))
    // PostgreSQL's server may be another user than we are.
    chmodSync(directory, 0o755)
    scratch.add(directory)
    try {
      const figures = await measureDatabase(log, { engine: name, directory, effort }, note)
      compared.push({ engine: name, holds, ...figures })
      keep({ compared, skipped })
      note(`${name}: ${Math.round(figures.built.eventsPerSecond)} events/s were loaded`)
    } catch (error) {
      skipped.push({ engine: name, why: error instanceof Error ? error.message : `${error}` })
    } finally {
      removeDatabases()
      scratch.clear()
    }
  }
  keep({ compared, skipped })
}

async function measureDatabase(
  { directory: log, entries, endMs, chosen }: BenchLog,
  place: { readonly engine: string; readonly directory: string; readonly effort: Effort },
  note: (text: string) => void,
): Promise<Omit<Compared, "engine" | "holds">> {
  const { engine, effort } = place
  const most = eventsMax[engine] ?? entries
  const stride = strides.find((one) => entries / one <= most) ?? 20
  const directory = join(place.directory, "data")
  mkdirSync(directory)
  chmodSync(directory, 0o777)
  const task = { engine, directory, log, stride }
  const run = (work: EngineTask["work"]): Promise<Partial<Record<string, unknown>>> =>
    runChild<EngineResult>(programme, { ...task, work } satisfies EngineTask, note)
  const { built } = (await run({ do: "build" })) as { built: Built }
  const { warm } = (await run({ do: "warm", effort })) as { warm: readonly Warm[] }
  const cold: Cold[] = []
  for (const kind of kindsOf(chosen, endMs)) {
    if (kind.walks) continue
    await dropFromCache(directory)
    note(`${engine}, cold: ${kind.name}`)
    const said = (await run({ do: "cold", kind: kind.name, number: 0 })) as {
      answer?: { ms: number }
    }
    const ms = said.answer?.ms ?? Number.NaN
    cold.push({ kind: kind.name, ms, worstMs: ms, cut: 0 })
  }
  return { built, warm, cold }
}
