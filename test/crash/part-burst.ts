import { join } from "node:path"
import { makeScratch, removeScratch } from "./cleanup.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import { readLog } from "./log-contents.ts"
import { endPort } from "./part-port-kill.ts"
import { disorder, missingIds, repeatedIds } from "./part-sdk-kill.ts"
import { type ServerProcess, startPort } from "./port-process.ts"
import { type Part, type Programme, pause } from "./programme.ts"
import { gather, SdkProcess } from "./sdk-process.ts"

const short = { rate: 400, phases: [1.5, 2, 3.5], outageMs: 5_000 }
const long = { rate: 1_000, phases: [10, 2, 35], outageMs: 30_000 }
/** Generous, since the machine is shared; the benchmark has the figure that counts. */
const quickMicroseconds = 1_000

/** Ten times the usual rate while the port is away: the spool takes it, the application does not notice. */
export const burst: Part = {
  name: "burst",
  title: "Burst of ten times the rate during an outage",
  async run(programme) {
    const scratch = makeScratch()
    const installation = await makeInstallation(`${scratch}/i`)
    let port = await startPort(installation.config)
    let app: SdkProcess | undefined
    try {
      const { rate, phases, outageMs } = programme.isLong ? long : short
      const { writer } = installation.profileFile
      const args = [writer, join(scratch, "spool"), String(rate), ...phases.map(String)]
      app = new SdkProcess("sdk-burst", 1, { scratch, args })
      await app.saying("phase 1")
      await pause((phases[0] ?? 0) * 500)
      await port.signal("SIGKILL")
      programme.report.line(`port killed for ${outageMs / 1000} s, ${rate} events/s`)
      await app.saying("phase 2")
      programme.report.line(`burst of ${rate * 10} events/s`)
      await pause(outageMs - (phases[0] ?? 0) * 500)
      port = await startPort(installation.config)
      const code = await app.finished()
      programme.report.check(code === 0, `the application flushes and ends with 0, was ${code}`)
      await endOfRun(programme, installation, port, app)
    } finally {
      await app?.kill()
      await port.signal("SIGKILL")
      removeScratch(scratch)
    }
  },
}

async function endOfRun(
  { report }: Programme,
  installation: Installation,
  port: ServerProcess,
  app: SdkProcess,
): Promise<void> {
  await endPort(report, port)
  const told = gather([app])
  const log = await readLog(installation.log)
  report.checkNone([...told.problems, ...log.faults], "nothing is dropped or refused")
  report.checkNone(missingIds(log, told), "no spooled event is missing")
  report.checkNone([...repeatedIds(log), ...disorder(log)], "each stands once, in order")
  const [p50, p99, max] = ["p50", "p99", "max"].map((word) => app.figure(word))
  const figures = `audit() p50 ${p50} µs, p99 ${p99} µs, max ${max} µs`
  report.check((p99 ?? Number.NaN) < quickMicroseconds, `audit() stays quick: ${figures}`)
  report.line(`${log.ids.size} events, ${figures}`)
  report.count("events in the log", log.ids.size)
}
