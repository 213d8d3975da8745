import { existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { initDirectory } from "../../packages/server/dist/guard/setup/index.js"
import {
  type BenchLog,
  describeBenchLog,
  isBenchDirectory,
  readBenchLog,
  unfinishedName,
} from "./bench-log.ts"
import { listFiles } from "./files.ts"
import { writeLog } from "./log-writer.ts"

/** The log in `directory` if it is one of this bench with so many entries; else it is made there. Throws if something else is there. */
export async function openBenchLog(
  directory: string,
  entries: number,
  note: (text: string) => void,
): Promise<BenchLog> {
  const found = readBenchLog(directory)
  if (found?.entries === entries) {
    note(`uses the log of ${entries} entries in ${directory}`)
    return found
  }
  if (isBenchDirectory(directory)) {
    note(`${directory} holds another log of this bench: it is made anew`)
    rmSync(directory, { recursive: true })
  } else if (existsSync(directory) && listFiles(directory).length > 0) {
    throw new Error(`${directory} is not a directory of this bench`)
  }
  const span = { entries, endMs: Math.floor(Date.now() / 60_000) * 60_000 }
  await initDirectory({ directory, ports: { write: 0, read: 0, ops: 0 } })
  const unfinished = join(directory, unfinishedName)
  writeFileSync(unfinished, "")
  const log = { directory, ...span, ...(await writeLog(directory, span, note)) }
  describeBenchLog(log)
  rmSync(unfinished)
  return log
}
