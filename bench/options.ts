import { parseArgs } from "node:util"

export const usage = `npm run bench -- [options]

  --quick          one row of each kind, under a minute
  --only CELL      some rows: protocol,event,connections,batch,load,policy (parts at the end may be left out)
  --runs N         runs a row, medians are shown (default: 3, with --quick and --only 1)
  --seconds S      length of a run's window (default: 3)
  --window N       frames in flight per connection at full load (default: about 6 MiB in all)
  --json FILE      write the figures there too
  --compare DIR    server CPU against another built checkout: 7 alternating pairs a row
  --startup N      time to listen again with a log of N entries, and to verify it
`

export interface Options {
  readonly quick: boolean
  readonly only: readonly string[]
  readonly runs: number
  readonly measureMs: number
  readonly window: number | undefined
  readonly json: string | undefined
  readonly compare: string | undefined
  readonly startup: number | undefined
}

/** Throws for what usage does not name. */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      runs: text,
      seconds: text,
      window: text,
      json: text,
      compare: text,
      startup: text,
    },
  })
  const { quick, only, json, compare } = values
  const runs = quick || only.length > 0 ? 1 : 3
  return {
    quick,
    only,
    runs: numberOf("runs", values.runs) ?? runs,
    measureMs: 1000 * (numberOf("seconds", values.seconds) ?? 3),
    window: numberOf("window", values.window),
    json,
    compare,
    startup: numberOf("startup", values.startup),
  }
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0 && value <= 1e9)) throw new Error(`--${name} ${text} is not a number above 0`)
  return value
}
