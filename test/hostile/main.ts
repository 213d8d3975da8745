/**
 * The hostile programme: one running port, and everything that a peer can do wrong to it, one thing after the other.
 * After each, another writer is still acknowledged by the same process; at the end the log says who was refused for what.
 * `node test/hostile/main.ts [--long] [--seed N] [--only TEXT]`. Its last line is `N passed, N failed`.
 */
import { parseArgs } from "node:util"
import { Decisions } from "../crash/decisions.ts"
import { Programme } from "./programme.ts"
import type { Row } from "./row.ts"
import { doorRows } from "./rows-door.ts"
import { eventRows } from "./rows-events.ts"
import { frameRows } from "./rows-frames.ts"
import { httpRows } from "./rows-http.ts"

const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    seed: { type: "string" },
    only: { type: "string", default: "" },
  },
})

const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const rows: readonly Row[] = [...doorRows, ...frameRows, ...eventRows, ...httpRows].filter(
  ({ name, slow }) => name.includes(values.only) && (values.long || slow !== "long"),
)
console.log(`hostile programme, ${values.long ? "long" : "short"} form, seed ${seed}`)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(130))
}
const programme = await Programme.begin(rows)
try {
  await programme.run()
  await programme.fuzz(new Decisions(seed), values.long ? 120_000 : 10_000)
  await programme.checkLeaks()
  await programme.end()
} catch (error) {
  programme.report.check(false, error instanceof Error ? (error.stack ?? "") : String(error))
}
programme.report.end()
process.exit(programme.report.failed > 0 || programme.report.passed === 0 ? 1 : 0)
