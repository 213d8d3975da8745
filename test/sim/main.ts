/**
 * The simulated disk: the log's store and the port's loops over a disk in memory that tears, forgets, reorders, fills up
 * and fails, many lives long. `node test/sim/main.ts [--long] [--seed N [--runs N]] [--rot] [--record]`. A run follows
 * from its seed alone; one that failed says how to repeat it. Its last line is `N passed, N failed`.
 */
import { parseArgs } from "node:util"
import { recordRun } from "../crash/assurance.ts"
import { Report } from "../crash/report.ts"
import { type RotEnd, rotRun } from "./rot.ts"
import { Run, soundLife } from "./run.ts"
import { stopTime } from "./simulated-clock.ts"

const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    seed: { type: "string" },
    runs: { type: "string" },
    rot: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
  },
})

if (values.record && (!values.long || values.seed !== undefined)) {
  console.error("--record is for whole long runs: --long, without --seed")
  process.exit(2)
}
const runs = values.long ? { crash: 2000, rot: 600 } : { crash: 130, rot: 70 }
/** A short form ends in time on a busy machine too, with fewer runs. */
const isShort = !values.long && values.seed === undefined
const secondsMax = isShort ? 20 : Number.POSITIVE_INFINITY
const livesMax = 7
stopTime()
const report = new Report()

/** One run of crashes: several lives, then a last one in which everything must be there. */
async function crashRun(seed: number, lies = false): Promise<Run> {
  const run = new Run(seed)
  await run.livesWithFaults(run.decisions.between(2, livesMax), lies)
  if (run.model.faults.length > 0) return run
  // Where every life ended before it promised anything there is nothing that a lie could cost.
  if (lies && run.model.promised === 0) return run
  const error = await run.live(soundLife)
  if (error !== undefined) run.model.fault(`a sound disk, and yet: ${String(error)}`)
  return run
}

function judge(run: Run, seed: number, rot: boolean): void {
  const again = `npm run test:sim -- --seed ${seed}${rot ? " --rot" : ""}`
  report.checkNone(run.model.faults, `run ${seed} (again: ${again})`)
}

async function crashes(first: number, count: number): Promise<void> {
  report.begin("Simulated disk: crashes, power losses, errors")
  const end = report.seconds + 1.4 * secondsMax
  for (let seed = first; seed < first + count && report.seconds < end; seed++) {
    const run = await crashRun(seed)
    judge(run, seed, false)
    const { counts } = run.disk
    report.count("runs")
    report.count("lives of the port", run.lives)
    report.count("lives cut off at an operation", counts.get("crash") ?? 0)
    report.count("power losses", run.powerLosses)
    report.count("operations that the disk refused", counts.get("refused") ?? 0)
    let operations = 0
    for (const [what, n] of counts) operations += what === "crash" || what === "refused" ? 0 : n
    report.count("operations", operations)
    report.count("entries acknowledged", run.acknowledged)
    report.count("segments", run.segments)
    report.count("checkpoints signed", run.model.signed.size)
    if ((seed - first + 1) % 100 === 0) report.line(`${seed - first + 1} runs`)
  }
}

const saidOf: Record<RotEnd, string> = {
  refused: "refused by the port, or by a follower",
  found: "found by a full verification",
  harmless: "without consequence for any entry or hash",
}

async function rots(first: number, count: number): Promise<void> {
  report.begin("Simulated disk: changes at rest")
  const end = report.seconds + 0.6 * secondsMax
  for (let seed = first; seed < first + count && report.seconds < end; seed++) {
    const { run, end, what } = await rotRun(seed)
    judge(run, seed, true)
    report.count("runs")
    report.count(saidOf[end])
    if (count <= 40) report.line(`${seed}: ${end}: ${what}`)
    if ((seed - first + 1) % 100 === 0) report.line(`${seed - first + 1} runs`)
  }
}

/** The programme itself: it can fail, and a seed decides everything. */
async function self(first: number): Promise<void> {
  report.begin("Simulated disk: the simulation itself")
  let [tried, found] = [0, 0]
  for (let seed = first; tried < 5 && seed < first + 50; seed++) {
    const { model } = await crashRun(seed, true)
    if (model.promised === 0 && model.faults.length === 0) continue
    tried += 1
    if (model.faults.length > 0) found += 1
  }
  report.check(
    tried === 5 && found === 5,
    `a disk that lies about its syncs is found out, was ${found} of ${tried} times`,
  )
  const [one, two] = [await crashRun(first), await crashRun(first)]
  const same = JSON.stringify([...one.disk.counts]) === JSON.stringify([...two.disk.counts])
  report.check(same, "the same seed gives the same run")
}

const chosen = values.seed === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(values.seed)
const count = values.runs === undefined ? 1 : Number(values.runs)
if (values.seed === undefined) {
  console.log(`simulated disk, ${values.long ? "long" : "short"} form, seeds from ${chosen}`)
  await self(chosen)
  await crashes(chosen, runs.crash)
  await rots(chosen, runs.rot)
} else if (values.rot) await rots(chosen, count)
else await crashes(chosen, count)
if (values.record) recordRun(report.of(), "sim", chosen)
for (const [part, figures] of report.of().figures) {
  console.log(`\n${part}`)
  for (const [figure, n] of figures)
    console.log(`  ${n.toLocaleString("en").padStart(12)}  ${figure}`)
}
report.end()
process.exit(report.failed > 0 || report.passed === 0 ? 1 : 0)
