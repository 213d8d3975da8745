/**
 * The hostile programme: one running port, and everything that a peer can do wrong to it, one thing after the other; then
 * what can happen to a port on its machine, each to a port of its own. Meanwhile another writer is acknowledged by the
 * same process; at the end the log says who was refused for what, and every input of the list (inputs.ts) is counted.
 * `node test/hostile/main.ts [--long] [--seed N] [--only TEXT] [--record]`. Its last line is `N passed, N failed`.
 */
import { parseArgs } from "node:util"
import { recordRun } from "../crash/assurance.ts"
import { Decisions } from "../crash/decisions.ts"
import { cases } from "./cases.ts"
import { Programme } from "./programme.ts"
import type { Row } from "./row.ts"
import { certificateRows } from "./rows-certificates.ts"
import { doorRows } from "./rows-door.ts"
import { eventRows } from "./rows-events.ts"
import { floodRows } from "./rows-floods.ts"
import { frameRows } from "./rows-frames.ts"
import { httpRows } from "./rows-http.ts"
import { otlpRows } from "./rows-otlp.ts"
import { recordRows } from "./rows-records.ts"
import { syslogRows } from "./rows-syslog.ts"
import { syslogPlaneRows } from "./rows-syslog-plane.ts"

const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    seed: { type: "string" },
    only: { type: "string", default: "" },
    record: { type: "boolean", default: false },
  },
})

if (values.record && (!values.long || values.only !== "")) {
  console.error("--record is for whole long runs: --long, without --only")
  process.exit(2)
}
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const isWanted = ({ name }: { name: string }): boolean => name.includes(values.only)
const rows: readonly Row[] = [
  ...doorRows,
  ...certificateRows,
  ...frameRows,
  ...eventRows,
  ...httpRows,
  ...syslogRows,
  ...syslogPlaneRows,
  ...otlpRows,
  ...recordRows,
  ...floodRows,
].filter(isWanted)
console.log(`hostile programme, ${values.long ? "long" : "short"} form, seed ${seed}`)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(130))
}
const programme = await Programme.begin(rows)
try {
  await programme.run()
  if (values.only === "") await programme.fuzz(new Decisions(seed), values.long ? 120_000 : 10_000)
  await programme.checkLeaks()
  await programme.end()
  await programme.cases(cases.filter(isWanted))
  if (values.only === "") programme.count()
} catch (error) {
  programme.report.check(false, error instanceof Error ? (error.stack ?? "") : String(error))
}
if (values.record) recordRun(programme.report.of(), "hostile", seed)
programme.report.end()
process.exit(programme.report.failed > 0 || programme.report.passed === 0 ? 1 : 0)
