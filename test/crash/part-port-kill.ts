import { makeScratch, removeScratch } from "./cleanup.ts"
import type { Decisions } from "./decisions.ts"
import { Fleet } from "./fleet.ts"
import { FollowerProcess } from "./follower-process.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import { readLog } from "./log-contents.ts"
import { postern, type ServerProcess, startPort } from "./port-process.ts"
import { type Part, type Programme, pause, until } from "./programme.ts"

const roundsShort = 12
const roundsLong = 50
const killMsMax = 400

/** The port is killed again and again on one log, while writers of every kind go on and a follower reads along. */
export const portKill: Part = {
  name: "port-kill",
  title: "Port, kill -9 under full load, and a follower",
  async run(programme) {
    const scratch = makeScratch()
    const installation = await makeInstallation(`${scratch}/i`)
    const fleet = new Fleet(installation, programme.decisions, {
      framed: ["small-f1", "small-f2", "large-f3", "mixed-f4"],
      http: ["small-h1", "mixed-h2"],
    })
    let port = await startPort(installation.config)
    const follower = new FollowerProcess(installation.log, scratch)
    try {
      fleet.start()
      const rounds = programme.isLong ? roundsLong : roundsShort
      for (let round = 1; round <= rounds; round++) {
        await killRound(programme, { installation, fleet, follower, round }, port)
        port = await startPort(installation.config)
        await afterRound(programme, fleet, follower)
      }
      await endOfRun(programme, { installation, fleet, follower }, port)
    } finally {
      fleet.stop()
      follower.stop()
      await port.signal("SIGKILL")
      removeScratch(scratch)
    }
  },
}

async function killRound(
  { report, decisions }: Programme,
  run: { installation: Installation; fleet: Fleet; follower: FollowerProcess; round: number },
  port: ServerProcess,
): Promise<void> {
  const { fleet, round } = run
  const before = fleet.acks
  await until(() => fleet.acks > before, "an acknowledgement")
  const delayMs = killDelay(decisions)
  await pause(delayMs)
  for (const writer of fleet.framed) if (decisions.chance(0.1)) writer.retire()
  await port.signal("SIGKILL")
  const { acknowledged } = fleet
  report.line(`round ${round}: killed ${delayMs} ms after an ack, ${acknowledged} acknowledged`)
  report.count("kills of the port")
}

/** Half of the kills come while the first slots of a life are on their way. */
function killDelay(decisions: Decisions): number {
  return decisions.chance(0.5) ? decisions.between(0, 40) : decisions.between(0, killMsMax)
}

async function afterRound(
  { report }: Programme,
  fleet: Fleet,
  follower: FollowerProcess,
): Promise<void> {
  const { faults } = await follower.compare()
  report.checkNone(faults, "what the follower saw is what the log holds after recovery")
  const receipts = await fleet.checkReceipts()
  report.checkNone(receipts.faults, "receipts of the last acknowledgements prove their events")
  report.count("receipts verified", receipts.checked)
  report.checkNone(fleet.faults(), "what the port told the writers is consistent")
}

async function endOfRun(
  { report }: Programme,
  run: { installation: Installation; fleet: Fleet; follower: FollowerProcess },
  port: ServerProcess,
): Promise<void> {
  const { installation, fleet, follower } = run
  await fleet.drain()
  await endPort(report, port)
  const { seen, faults } = await follower.compare(true)
  report.checkNone(faults, "what the follower ever saw is in the log")
  const log = await readLog(installation.log)
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
  report.line(`${log.size} entries, ${fleet.repeats} HTTP repeats, ${lookedBack} read twice`)
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
  const help = await postern(["verify", "--help"])
  if (help.code !== 0) return report.line("there is no `postern verify` here: left out")
  const { code, text } = await postern(["verify", installation.log])
  report.check(code === 0, `postern verify ends with ${code}: ${text.slice(-600)}`)
}
