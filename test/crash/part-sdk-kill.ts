import { join } from "node:path"
import { makeScratch, removeScratch } from "./cleanup.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import { type LogContents, readLog } from "./log-contents.ts"
import { endPort, verifyLog } from "./part-port-kill.ts"
import { type ServerProcess, startPort } from "./port-process.ts"
import { type Part, type Programme, pause } from "./programme.ts"
import { gather, SdkProcess, type Told } from "./sdk-process.ts"

const roundsShort = 8
const roundsLong = 50
const both = "application and port"
const victims = ["application", "port", "application", both] as const

/** An application with the SDK is killed again and again, and the port under it, on one spool and one log. */
export const sdkKill: Part = {
  name: "sdk-kill",
  title: "SDK, kill -9 of the application, the port, and both",
  async run(programme) {
    const scratch = makeScratch()
    const installation = await makeInstallation(`${scratch}/i`)
    const lives: SdkProcess[] = []
    const startApp = (mode: "run" | "finish"): SdkProcess => {
      const life = lives.length + 1
      const { writer } = installation.profileFile
      const args = [writer, join(scratch, "spool"), String(life), mode]
      const app = new SdkProcess("sdk-app", life, { scratch, args })
      lives.push(app)
      return app
    }
    let port = await startPort(installation.config)
    try {
      const rounds = programme.isLong ? roundsLong : roundsShort
      let app = startApp("run")
      for (let round = 0; round < rounds; round++) {
        const victim = victims[round % victims.length] ?? both
        await killRound(programme, round + 1, victim, app, port)
        if (victim !== "application") port = await startPort(installation.config)
        if (victim !== "port") app = startApp("run")
      }
      await app.kill()
      const code = await startApp("finish").finished()
      programme.report.check(code === 0, `the last life flushes and ends with 0, was ${code}`)
      await endOfRun(programme, installation, port, gather(lives))
    } finally {
      for (const app of lives) await app.kill()
      await port.signal("SIGKILL")
      removeScratch(scratch)
    }
  },
}

async function killRound(
  { report, decisions }: Programme,
  round: number,
  victim: (typeof victims)[number],
  app: SdkProcess,
  port: ServerProcess,
): Promise<void> {
  // Some lives are short: killed while the spool is being opened or the first frames are on their way.
  const early = victim !== "port" && decisions.chance(0.25)
  const delayMs = early ? decisions.between(30, 200) : decisions.between(0, 400)
  if (!early) await app.saying("spooled")
  await pause(delayMs)
  const first = decisions.chance(0.5)
  if (victim === both && first) await port.signal("SIGKILL")
  if (victim !== "port") await app.kill()
  if (victim === "port" || (victim === both && !first)) await port.signal("SIGKILL")
  const since = early ? "the start" : "the first spooled event"
  report.line(`round ${round}: killed the ${victim}, ${delayMs} ms after ${since}`)
  report.count(`kills of the ${victim}`)
}

async function endOfRun(
  { report }: Programme,
  installation: Installation,
  port: ServerProcess,
  told: Told,
): Promise<void> {
  await endPort(report, port)
  const log = await readLog(installation.log)
  report.checkNone(log.faults, "every stream is in its order")
  report.checkNone(told.problems, "the SDK reports no problem but an absent port")
  report.checkNone(missingIds(log, told), "no event is missing that was reported as spooled")
  report.checkNone(repeatedIds(log), "no event stands twice")
  report.checkNone(misplaced(log, told), "confirmed events are where their receipts say")
  report.checkNone(disorder(log), "the order of the application is the order of the log")
  let spooled = 0
  for (const count of told.spooled.values()) spooled += count
  report.count("events reported as spooled", spooled)
  report.count("events in the log", log.ids.size)
  report.count("receipts confirmed", told.confirmed.length)
  const { confirmed } = told
  report.line(`${spooled} spooled, ${confirmed.length} confirmed, ${log.ids.size} in the log`)
  await verifyLog(report, installation)
}

export function missingIds(log: LogContents, { spooled }: Pick<Told, "spooled">): string[] {
  const missing: string[] = []
  for (const [life, last] of spooled) {
    for (let n = 1; n <= last; n++)
      if (!log.ids.has(`app-${life}/${n}`)) missing.push(`${life}/${n}`)
  }
  return missing
}

export function repeatedIds({ ids }: LogContents): string[] {
  return [...ids].filter(([, times]) => times > 1).map(([id, times]) => `${id}: ${times} times`)
}

function misplaced({ idAt }: LogContents, { confirmed }: Told): string[] {
  return confirmed
    .filter(({ id, index }) => idAt.get(index) !== id)
    .map(({ id, index }) => `${id} at ${index}`)
}

/** Lives follow each other, numbers ascend within a life; streams may change, but not go back. */
export function disorder({ idAt }: LogContents): string[] {
  const faults: string[] = []
  let before = [0, 0] as [number, number]
  for (const [index, id] of idAt) {
    const [, life = 0, n = 0] = (/^app-(\d+)\/(\d+)$/.exec(id) ?? []).map(Number)
    const next = life === before[0] ? n === before[1] + 1 : life > before[0] && n === 1
    if (!next) faults.push(`entry ${index}: ${id} after ${before.join("/")}`)
    before = [life, n]
  }
  return faults
}
