import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import type { Decisions } from "../crash/decisions.ts"
import { postern } from "../crash/port-process.ts"
import type { Report } from "../crash/report.ts"
import { pause, until } from "../support/waiting.ts"
import { drillEntries, openScene, type Scene, sizeOf, startService } from "./drill.ts"
import { startMirror } from "./mirror-process.ts"
import { action } from "./writers.ts"

/** The worst day: all processes are killed while writers write, and the disk with the log is gone. */
export async function lossDrill(report: Report, decisions: Decisions): Promise<void> {
  const scene = await openScene()
  const { installation, mirror, writers, reader, origin } = scene
  const service = await startService(installation)
  await writers.start(2)
  const following = startMirror(mirror, reader)
  await following.confirms(500 + decisions.between(0, 500))
  await following.end("SIGKILL")
  const { confirmed } = following
  const acknowledged = writers.count(origin)
  const more = acknowledged + 200
  await until(() => (writers.count(origin) >= more ? true : undefined), 30_000, "more load")
  await pause(decisions.between(0, 200))
  await service.stop("SIGKILL")
  report.line("all killed")
  await writers.stop(0)

  // Kept for counting only: the operator of this drill has nothing of it.
  const gone = `${installation.log}.gone`
  renameSync(installation.log, gone)
  const durable = await sizeOf(gone)
  const left = await sizeOf(mirror)
  report.check(left >= confirmed, `the mirror has ${left} entries, ${confirmed} were confirmed`)
  await refusesSilentLoss(report, scene)
  const restored = await restore(scene, ["--accept-loss", "--reason", "restore drill"])
  report.check(restored.code === 0, `restore: ${restored.text}`)
  report.line("restored with a loss")
  await checkReceipts(report, scene, left)
  await goOnInSuccessor(report, scene)
  const lost = (await drillEntries(gone, left, action)).length
  const named = writers.acknowledged.get(origin)?.filter((index) => index >= left).length ?? 0
  report.check(lost >= named, `${lost} entries of writers are lost, receipts name ${named}`)
  report.count("entries durable at the crash", durable)
  report.count("entries above the mirror, lost", durable - left)
  report.count("of these named by receipts", named)
  const tail = `${durable - left} above the mirror are lost, ${named} of them named by receipts`
  report.line(`${durable} entries were durable, ${confirmed} confirmed by the mirror; ${tail}`)
  rmSync(gone, { recursive: true })
}

function restore({ installation, mirror }: Scene, more: readonly string[]) {
  const args = ["log", "restore", installation.log, "--config", installation.config]
  return postern([...args, "--from", mirror, ...more])
}

async function refusesSilentLoss(report: Report, scene: Scene): Promise<void> {
  const { code, text } = await restore(scene, [])
  report.check(code === 3 && text.includes("--accept-loss"), `a loss needs a word: ${code} ${text}`)
}

/** Every receipt is either for an entry that is there, or is named as missing; no other. */
async function checkReceipts(report: Report, scene: Scene, left: number): Promise<void> {
  const { installation, writers, origin } = scene
  const args = ["log", "missing", writers.receipts, "--config", installation.config, "--json"]
  const { code, text } = await runWhole(args)
  const findings = text.split("\n").flatMap((line) => {
    return line.startsWith('{"where"') ? [JSON.parse(line) as { state: string; index: number }] : []
  })
  const told = writers.acknowledged.get(origin) ?? []
  const expected = told.filter((index) => index >= left).sort((a, b) => a - b)
  const named = findings.map(({ index }) => index).sort((a, b) => a - b)
  report.check(expected.length > 0 && code === 3, `${expected.length} lost, exit ${code}`)
  const same = JSON.stringify(named) === JSON.stringify(expected)
  report.check(same, `${named.length} receipts are named, ${expected.length} entries are lost`)
  report.check(
    findings.every(({ state }) => state === "missing"),
    "each is missing, none is other",
  )
  report.check(text.includes(`"present":${told.length - expected.length}`), "the others are there")
}

async function runWhole(args: readonly string[]) {
  const { startCommand } = await import("./mirror-process.ts")
  const command = startCommand(args, { whole: true })
  const code = await command.exit
  return { code, text: command.said() }
}

/** Writers and readers have the new profiles; what was spooled and not acknowledged arrives in the successor. */
async function goOnInSuccessor(report: Report, scene: Scene): Promise<void> {
  const { installation, writers, reader, origin } = scene
  const next = loadProfile(reader).log.origin
  report.check(next === `${origin}/e2`, `the profiles name ${next}`)
  const service = await startService(installation)
  await writers.start(2)
  await until(
    () => (writers.count(next) > 100 ? true : undefined),
    30_000,
    "writers in the successor",
  )
  await writers.stop(10_000)
  report.check(true, "writers go on in the successor")
  report.line("writers have gone on")
  const checkpoint = join(installation.log, "checkpoint")
  await until(() => (existsSync(checkpoint) ? true : undefined), 10_000, "a checkpoint of it")
  await oneReceipt(report, scene)
  const shown = await postern(["show", "0", "--profile", reader])
  report.check(shown.text.includes("postern.epoch.began"), `the first entry: ${shown.text}`)
  const online = await postern(["verify", "--profile", reader])
  report.check(online.code === 0, `verify over the read port: ${online.text.slice(-300)}`)
  await service.stop("SIGTERM")
  for (const path of [installation.log, `${installation.log}.e1`]) {
    const { vkey } = loadProfile(reader).log
    const key = path === installation.log ? vkey : installation.writer.log.vkey
    const { code, text } = await postern(["verify", path, "--vkey", key])
    report.check(code === 0, `verify ${path}: ${text.slice(-300)}`)
  }
}

/** A person with one receipt of a lost entry asks the restored log. */
async function oneReceipt(report: Report, { writers, reader, origin, mirror }: Scene) {
  const left = await sizeOf(mirror)
  const lines = readFileSync(join(writers.receipts, "writer-0.jsonl"), "utf8").trimEnd().split("\n")
  const lost = lines.find((line) => {
    const { index, note } = JSON.parse(line) as { index: number; note: string }
    return index >= left && note.split("\n")[1] === origin
  })
  if (lost === undefined) return
  const file = join(writers.receipts, "..", "receipt.json")
  writeFileSync(file, lost)
  const { code, text } = await postern(["verify", file, "--profile", reader])
  report.check(code === 3 && text.includes("acknowledged"), `one receipt: ${code} ${text}`)
}
