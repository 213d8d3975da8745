import { makeScratch, removeScratch } from "./cleanup.ts"
import { Fleet } from "./fleet.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import { readLog } from "./log-contents.ts"
import { endPort, verifyLog } from "./part-port-kill.ts"
import { type ServerProcess, startPort, startProcess } from "./port-process.ts"
import { type Part, type Programme, pause, until } from "./programme.ts"
import { Questioner } from "./questioner.ts"

const roundsShort = 4
const roundsLong = 20
const askersCount = 4

/** The reader is killed while it answers: whoever got an answer stands in the log, and reading goes on. */
export const readerKill: Part = {
  name: "reader-kill",
  title: "Reader, kill -9 while questions are asked",
  async run(programme) {
    const scratch = makeScratch()
    const installation = await makeInstallation(`${scratch}/i`)
    const fleet = new Fleet(installation, programme.decisions, {
      framed: ["small-f1"],
      http: [],
    })
    const questioner = new Questioner(installation.profileFile.reader, askersCount)
    let port = await startPort(installation.config)
    let reader: ServerProcess | undefined
    try {
      fleet.start()
      await until(() => fleet.acknowledged > 2_000, "events to ask for")
      await fleet.drain()
      reader = await startReader(installation)
      questioner.start()
      const rounds = programme.isLong ? roundsLong : roundsShort
      for (let round = 1; round <= rounds; round++) {
        const withPort = round % 2 === 0
        await killRound(programme, { questioner, reader, port, round, withPort })
        reader = await startReader(installation)
        if (withPort) {
          // Reading goes on without the port: its entries wait in the reader's own spool.
          const before = questioner.answered.size
          await until(() => questioner.answered.size > before + 10, "answers without the port")
          port = await startPort(installation.config)
        }
      }
      await questioner.stop()
      await allRecorded(installation, questioner)
      const code = await reader.signal("SIGTERM")
      programme.report.check(code === 0, `the reader ends with 0, was ${code}: ${reader.said()}`)
      await endOfRun(programme, installation, port, questioner)
    } finally {
      fleet.stop()
      await questioner.stop()
      await reader?.signal("SIGKILL")
      await port.signal("SIGKILL")
      removeScratch(scratch)
    }
  },
}

async function startReader({ config }: Installation): Promise<ServerProcess> {
  const reader = startProcess("reader", config)
  await reader.ready
  return reader
}

async function killRound(
  { report, decisions }: Programme,
  run: {
    questioner: Questioner
    reader: ServerProcess
    port: ServerProcess
    round: number
    withPort: boolean
  },
): Promise<void> {
  const { questioner, reader, port, round, withPort } = run
  const before = questioner.answered.size
  await until(() => questioner.answered.size > before, "an answer")
  const delayMs = decisions.between(0, 400)
  await pause(delayMs)
  await reader.signal("SIGKILL")
  if (withPort) await port.signal("SIGKILL")
  const what = withPort ? "reader and port" : "the reader"
  report.line(`round ${round}: killed ${what}, ${questioner.answered.size} questions answered`)
  report.count("kills of the reader")
}

async function readsRecorded(log: string) {
  const { others, faults } = await readLog(log)
  const recorded = new Map<unknown, number>()
  for (const { action, data } of others.values()) {
    if (action !== "postern.read") continue
    recorded.set(data.question, (recorded.get(data.question) ?? 0) + 1)
  }
  return { recorded, faults }
}

/** The reader tries the port again after a while, and what it has not brought there yet waits in its spool. */
async function allRecorded({ log }: Installation, { answered }: Questioner): Promise<void> {
  const areThere = async () => {
    const { recorded } = await readsRecorded(log)
    return [...answered].every((question) => recorded.has(question))
  }
  await until(areThere, "the record of each read", 60_000).catch(
    () => "the end of the run names them",
  )
}

async function endOfRun(
  { report }: Programme,
  installation: Installation,
  port: ServerProcess,
  { answered, faults }: Questioner,
): Promise<void> {
  await endPort(report, port)
  const { recorded, faults: logFaults } = await readsRecorded(installation.log)
  const unrecorded = [...answered].filter((question) => !recorded.has(question))
  report.checkNone(unrecorded, "every question that was answered is recorded in the log")
  const twice = [...recorded].filter(([, times]) => times > 1).map(([question]) => String(question))
  report.checkNone(twice, "every question is recorded once")
  report.checkNone([...faults, ...logFaults], "answers are what was asked for")
  report.check(answered.size > 0, "questions were answered")
  report.count("questions answered", answered.size)
  report.count("reads recorded", recorded.size)
  report.line(`${answered.size} answered, ${recorded.size} recorded`)
  await verifyLog(report, installation)
}
