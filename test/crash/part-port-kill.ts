import { readdirSync, watch } from "node:fs"
import { join } from "node:path"
import { listSegments } from "../../packages/server/dist/disk/index.js"
import { within } from "../support/waiting.ts"
import { makeScratch, removeScratch } from "./cleanup.ts"
import { Fleet } from "./fleet.ts"
import { FollowerProcess } from "./follower-process.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import { readLog } from "./log-contents.ts"
import { postern, type ServerProcess, startPort } from "./port-process.ts"
import { type Part, type Programme, pause, until } from "./programme.ts"

const killMsMax = 400
const earlyMs = 40
const segmentMsMax = 60_000

interface Kills {
  readonly framed: readonly string[]
  readonly http: readonly string[]
  readonly rounds: number
  /** Resolves at the moment of the kill; says how it was chosen. */
  moment(run: Run): Promise<string>
}

interface Run {
  readonly programme: Programme
  readonly installation: Installation
  readonly fleet: Fleet
  readonly follower: FollowerProcess
}

/** The port is killed again and again on one log, while writers of every kind go on and a follower reads along. */
export const portKill: Part = {
  name: "port-kill",
  title: "Port, kill -9 under full load, and a follower",
  run: (programme) =>
    killAgainAndAgain(programme, {
      framed: ["small-f1", "small-f2", "large-f3", "mixed-f4"],
      http: ["small-h1", "mixed-h2"],
      rounds: programme.isLong ? 50 : 12,
      async moment({ fleet, programme: { decisions } }) {
        const before = fleet.acks
        await until(() => fleet.acks > before, "an acknowledgement")
        // Half of the kills come while the first slots of a life are on their way.
        const early = decisions.chance(0.5)
        const delayMs = decisions.between(0, early ? earlyMs : killMsMax)
        await pause(delayMs)
        return `${delayMs} ms after the first ack`
      },
    }),
}

/** The same, at the moment in which the log goes on to a new segment. */
export const segmentKill: Part = {
  name: "segment-kill",
  title: "Port, kill -9 while a segment is begun",
  run: (programme) =>
    killAgainAndAgain(programme, {
      framed: ["large-f1", "large-f2", "small-f3"],
      http: ["small-h1"],
      rounds: programme.isLong ? 12 : 2,
      async moment({ installation, programme: { decisions } }) {
        await newSegment(installation.log)
        const delayMs = decisions.between(0, 12)
        if (delayMs > 0) await pause(delayMs)
        return `${delayMs} ms after a new segment file`
      },
    }),
}

/** Resolves as soon as a file of a new segment is there. */
async function newSegment(log: string): Promise<void> {
  const segments = join(log, "segments")
  const known = new Set(readdirSync(segments))
  const watcher = watch(segments)
  const appeared = new Promise<void>((resolve, reject) => {
    watcher.on("error", reject)
    watcher.on("change", (_, name) => {
      if (name !== null && /^\d+\.seg$/.test(String(name)) && !known.has(String(name))) resolve()
    })
  })
  try {
    await within(appeared, segmentMsMax, "a new segment")
  } finally {
    watcher.close()
  }
}

async function killAgainAndAgain(programme: Programme, kills: Kills): Promise<void> {
  const scratch = makeScratch()
  const installation = await makeInstallation(`${scratch}/i`)
  const fleet = new Fleet(installation, programme.decisions, kills)
  let port = await startPort(installation.config)
  const follower = new FollowerProcess(installation.log, scratch)
  const run = { programme, installation, fleet, follower }
  try {
    fleet.start()
    for (let round = 1; round <= kills.rounds; round++) {
      await killRound(run, port, round, kills)
      port = await startPort(installation.config)
      await afterRound(run)
    }
    await endOfRun(run, port)
  } finally {
    fleet.stop()
    follower.stop()
    await port.signal("SIGKILL")
    removeScratch(scratch)
  }
}

async function killRound(
  run: Run,
  port: ServerProcess,
  round: number,
  kills: Kills,
): Promise<void> {
  const { fleet, programme } = run
  const { report, decisions } = programme
  const chosen = await kills.moment(run)
  for (const writer of fleet.framed) if (decisions.chance(0.1)) writer.retire()
  await port.signal("SIGKILL")
  report.line(`round ${round}: killed ${chosen}, ${fleet.acknowledged} acknowledged`)
  report.count("kills of the port")
}

async function afterRound({ programme, fleet, follower }: Run): Promise<void> {
  const { report } = programme
  const { faults } = await follower.compare()
  report.checkNone(faults, "what the follower saw is what the log holds after recovery")
  const receipts = await fleet.checkReceipts()
  report.checkNone(receipts.faults, "receipts of the last acknowledgements prove their events")
  report.count("receipts verified", receipts.checked)
  report.checkNone(fleet.faults(), "what the port told the writers is consistent")
}

async function endOfRun(run: Run, port: ServerProcess): Promise<void> {
  const { programme, installation, fleet, follower } = run
  const { report } = programme
  await fleet.drain()
  await endPort(report, port)
  const log = await readLog(installation.log)
  await follower.caughtUp(log.size)
  const { seen, faults } = await follower.compare(true)
  report.checkNone(faults, "what the follower ever saw is in the log")
  report.check(seen === log.size, `the follower saw all: ${seen} of ${log.size}`)
  report.checkNone(log.faults, "every entry is one that was written, once, and in its order")
  const { missing, misplaced } = fleet.compare(log)
  report.checkNone(missing, "no acknowledged event is missing, no stream has a hole")
  report.checkNone(misplaced, "every event is at the index that its acknowledgement named")
  report.checkNone(fleet.faults(), "what the port told the writers is consistent")
  const { lookedBack } = await follower.state()
  report.count("events acknowledged", fleet.acknowledged)
  report.count("entries read back and compared", log.size)
  report.count("entries read twice by the follower", lookedBack)
  report.count("repeats recognised over HTTP", fleet.repeats)
  const segments = (await listSegments(installation.log)).length
  const repeats = `${fleet.repeats} HTTP repeats`
  report.line(`${log.size} entries, ${segments} segments, ${repeats}, ${lookedBack} read twice`)
  await verifyLog(report, installation)
}

/** A drain must succeed, whatever the writers do meanwhile. */
export async function endPort(report: Programme["report"], port: ServerProcess): Promise<void> {
  const code = await port.signal("SIGTERM")
  report.check(code === 0, `the port drains and ends with 0, was ${code}: ${port.said()}`)
}

/** `postern verify DIR` judges the whole directory by its own rules. */
export async function verifyLog(
  report: Programme["report"],
  installation: Installation,
): Promise<void> {
  const { code, text } = await postern(["verify", installation.log])
  report.check(code === 0, `postern verify ends with ${code}: ${text.slice(-600)}`)
}
