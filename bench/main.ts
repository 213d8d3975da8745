/**
 * `npm run bench`: fresh servers as `postern init` configures them, loaded by a generator in a process of its own.
 * What is measured and how stands in docs/performance.md. Linux only: CPU and memory come from /proc.
 */
import { writeFileSync } from "node:fs"
import { chooseCells, measureCells } from "./matrix.ts"
import { type Options, parseOptions, usage } from "./options.ts"
import { describeMachine, formatTable } from "./rows.ts"
import { killGenerators } from "./run.ts"
import { cleanUp } from "./server.ts"
import { house, loadTree } from "./tree.ts"

const note = (text: string): void => {
  process.stderr.write(`bench: ${text}\n`)
}

async function main(options: Options): Promise<void> {
  const machine = describeMachine()
  const tree = await loadTree(house)
  const rows = await measureCells(tree, chooseCells(options), options, note)
  process.stdout.write(`${formatTable(rows)}\n`)
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ machine, rows }, null, 2)}\n`)
  }
}

function optionsOrUsage(): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    note(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return process.exit(64)
  }
}

function tidyUp(): void {
  killGenerators()
  cleanUp()
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130))
}
process.on("exit", tidyUp)
main(optionsOrUsage()).catch((error) => {
  note(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exit(1)
})
