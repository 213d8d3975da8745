import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"

export const usage = `npm run bench:search -- [options]

  --entries N      entries of the log (default: 5000000; with --quick 100000)
  --directory DIR  where the log is made, or found from the last run (default: below the folder for temporary files)
  --quick          a small log, few questions, one short pair for the pace: some minutes
  --only PART      parts: build, read, pace, others (may stand several times; default: all)
  --json FILE      write the figures there too
`

export const parts = ["build", "read", "pace", "others"] as const
export type Part = (typeof parts)[number]

export interface Options {
  readonly entries: number
  readonly directory: string
  readonly quick: boolean
  readonly only: readonly Part[]
  readonly json: string | undefined
}

const entriesMin = 20_000
const entriesMax = 100_000_000

/** Throws for what usage does not name. */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      entries: text,
      directory: text,
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [...parts] },
      json: text,
    },
  })
  const { quick, json } = values
  const entries =
    values.entries === undefined ? (quick ? 100_000 : 5_000_000) : Number(values.entries)
  if (!(Number.isInteger(entries) && entries >= entriesMin && entries <= entriesMax)) {
    throw new Error(`--entries is a whole number from ${entriesMin} to ${entriesMax}`)
  }
  const only = values.only.map((given) => {
    const part = parts.find((one) => one === given)
    if (part === undefined) throw new Error(`--only ${given} is none of ${parts.join(", ")}`)
    return part
  })
  const directory = values.directory ?? join(tmpdir(), `postern-bench-search-${entries}`)
  return { entries, directory, quick, only, json }
}
