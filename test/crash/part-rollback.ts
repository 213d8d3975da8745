import { cpSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { makeScratch, removeScratch } from "./cleanup.ts"
import { Fleet } from "./fleet.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import { readLog } from "./log-contents.ts"
import { type ServerProcess, startPort, startRefused } from "./port-process.ts"
import { type Part, type Programme, until } from "./programme.ts"

const exitRefused = 78

/** An old copy in the place of the log, and two ports on one directory. */
export const rollback: Part = {
  name: "rollback",
  title: "Rolled back log, and two ports on one log",
  async run(programme) {
    const scratch = makeScratch()
    const installation = await makeInstallation(`${scratch}/i`)
    const fleet = new Fleet(installation, programme.decisions, {
      framed: ["small-f1"],
      http: ["small-h1"],
    })
    let port: ServerProcess | undefined
    try {
      port = await startPort(installation.config)
      fleet.start()
      await someAcks(fleet, 10)
      await port.signal("SIGTERM")
      const { log } = installation
      cpSync(log, `${log}.old`, { recursive: true })
      port = await startPort(installation.config)
      await someAcks(fleet, 10)
      await port.signal("SIGTERM")
      await startRolledBack(programme, installation)
      port = await startPort(installation.config)
      await startSecond(programme, installation, fleet)
      await fleet.drain()
      await port.signal("SIGTERM")
      await compare(programme, installation, fleet)
    } finally {
      fleet.stop()
      await port?.signal("SIGKILL")
      removeScratch(scratch)
    }
  },
}

async function someAcks(fleet: Fleet, count: number): Promise<void> {
  const before = fleet.acks
  await until(() => fleet.acks >= before + count, "acknowledgements")
}

/** The copy of yesterday, and what was signed since. Afterwards the log of today is in its place again. */
async function startRolledBack(
  { report }: Programme,
  { log, config }: Installation,
): Promise<void> {
  renameSync(log, `${log}.new`)
  cpSync(`${log}.old`, log, { recursive: true })
  cpSync(join(`${log}.new`, "last-signed"), join(log, "last-signed"))
  const { code, said } = await startRefused(config)
  const refused = code === exitRefused && said.includes('"code":"LOG_ROLLED_BACK"')
  report.check(refused, `an old copy: LOG_ROLLED_BACK and 78, was ${code}: ${said.slice(-300)}`)
  report.line(`an old copy with the newest last-signed: ${refused ? "refused" : code}`)
  report.count("rolled back logs refused")
  rmSync(log, { recursive: true })
  renameSync(`${log}.new`, log)
}

async function startSecond(
  { report }: Programme,
  installation: Installation,
  fleet: Fleet,
): Promise<void> {
  await someAcks(fleet, 5)
  const { code, said } = await startRefused(installation.config)
  const refused = code === exitRefused && said.includes('"code":"LOG_LOCKED"')
  report.check(refused, `a second port: LOG_LOCKED and 78, was ${code}: ${said.slice(-300)}`)
  report.line(`a second port on the same log: ${refused ? "refused" : code}`)
  report.count("second ports refused")
  await someAcks(fleet, 10)
  report.check(true, "the first port goes on acknowledging")
}

async function compare(
  { report }: Programme,
  installation: Installation,
  fleet: Fleet,
): Promise<void> {
  const log = await readLog(installation.log)
  report.checkNone(log.faults, "every entry is one that was written, once, and in its order")
  const { missing, misplaced } = fleet.compare(log)
  report.checkNone([...missing, ...misplaced, ...fleet.faults()], "nothing acknowledged is missing")
  report.count("events acknowledged", fleet.acknowledged)
}
