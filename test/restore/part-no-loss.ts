import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatProfile, loadProfile } from "@postern/client"
import { freePorts } from "../../packages/server/src/cli/free-ports.test.support.ts"
import type { Decisions } from "../crash/decisions.ts"
import { postern } from "../crash/port-process.ts"
import type { Report } from "../crash/report.ts"
import { pause, until } from "../support/waiting.ts"
import { drillEntries, mirrorConfig, openScene, type Scene, sizeOf, startService } from "./drill.ts"
import { startCommand, startMirror } from "./mirror-process.ts"
import { action } from "./writers.ts"

/** The mirror is killed at any moment and goes on; the log is damaged, and comes back as it was. */
export async function noLossDrill(report: Report, decisions: Decisions): Promise<void> {
  const scene = await openScene()
  const { installation, mirror, writers, reader, origin } = scene
  let service = await startService(installation)
  await writers.start(2)
  for (let kill = 0; kill < 4; kill++) {
    const process = startMirror(mirror, reader)
    await process.says("following")
    await pause(decisions.between(0, 700))
    await process.end("SIGKILL")
    report.count("kills of the mirror")
  }
  const following = startMirror(mirror, reader)
  await until(() => (writers.count(origin) > 800 ? true : undefined), 30_000, "some load")
  await writers.stop(10_000)
  const durable = await sizeOf(installation.log)
  await following.confirms(durable)
  await mirrorServes(report, scene, async () => {
    await service.stop("SIGTERM")
    return async () => {
      service = await startService(installation)
    }
  })
  await following.confirms((await sizeOf(installation.log)) - 1)
  await checkStatus(report, installation.config)
  await service.stop("SIGTERM")
  const wanted = await sizeOf(installation.log)
  await catchUp(scene, wanted, following)
  const code = await following.end("SIGTERM")
  report.check(code === 0, `the mirror ended with ${code}`)
  report.line(
    `${wanted} entries, ${writers.count(origin)} with a receipt; the segments are deleted`,
  )
  rmSync(join(installation.log, "segments"), { recursive: true })
  const args = ["log", "restore", installation.log, "--config", installation.config]
  const restored = await postern([...args, "--from", mirror])
  report.check(restored.text.includes("nothing was lost"), `restore: ${restored.text}`)
  report.check((await sizeOf(installation.log)) === wanted, "every entry is back")
  const verified = await postern(["verify", installation.directory])
  report.check(verified.code === 0, `verify: ${verified.text.slice(-400)}`)
  await writersGoOn(report, scene)
  const missing = await postern([
    "log",
    "missing",
    writers.receipts,
    "--config",
    installation.config,
  ])
  report.check(missing.code === 0, `no receipt is for a missing entry: ${missing.text}`)
  const there = (await drillEntries(installation.log, 0, action)).length
  report.check(there >= writers.count(origin), `${there} entries of ${writers.count(origin)}`)
}

/** The port is down, so its last entries come over only if it is started once more: a planned move does just that. */
async function catchUp(
  { installation, mirror }: Scene,
  wanted: number,
  following: ReturnType<typeof startMirror>,
): Promise<void> {
  if ((await sizeOf(mirror)) >= wanted) return
  const { reader } = await readerOnly(installation)
  await following.confirms(wanted)
  await reader.signal("SIGTERM")
}

async function readerOnly({ config }: Scene["installation"]) {
  const { startProcess } = await import("../crash/port-process.ts")
  const reader = startProcess("reader", config)
  await reader.ready
  return { reader }
}

async function writersGoOn(report: Report, { installation, writers, origin }: Scene) {
  const service = await startService(installation)
  const before = writers.count(origin)
  await writers.start(2)
  await until(() => (writers.count(origin) > before + 100 ? true : undefined), 30_000, "more load")
  await writers.stop(10_000)
  report.check(true, "writers go on")
  await service.stop("SIGTERM")
}

async function checkStatus(report: Report, config: string): Promise<void> {
  // The port that it asks may have started a moment ago.
  let text = ""
  const shown = async (): Promise<boolean | undefined> => {
    text = (await postern(["status", "--config", config])).text
    return /copies\s+\d+ entries, says spiffe:/.test(text) || undefined
  }
  report.check(await until(shown, 30_000, "the copies").catch(() => false), `status: ${text}`)
}

/** Reads from the copy are answered while the port is down, and recorded in its log once it is back. */
async function mirrorServes(
  report: Report,
  scene: Scene,
  takeDown: () => Promise<() => Promise<void>>,
): Promise<void> {
  const { mirror, reader } = scene
  const directory = join(mirror, "..", "..")
  const [readPort = 0] = await freePorts(1)
  const config = mirrorConfig(scene, readPort)
  const serving = startCommand(["mirror", "serve", "--config", config, "--profile", reader])
  await serving.says("reader ready")
  const profile = join(directory, "reader.yaml")
  const address = `127.0.0.1:${readPort}`
  writeFileSync(profile, formatProfile({ ...loadProfile(reader), address }), { mode: 0o600 })
  const bringUp = await takeDown()
  const question = ["search", "--profile", profile, "--action", "postern.started"]
  const found = await postern(question)
  report.check(found.code === 0 && found.text.includes("postern.started"), `search: ${found.text}`)
  await bringUp()
  const recorded = ["search", "--profile", reader, "--action", "postern.read", "--json"]
  await until(
    async () =>
      (await postern(recorded)).text.includes("action:postern.started") ? true : undefined,
    30_000,
    "the record of a read on the mirror",
  )
  report.check(true, "the read is recorded")
  await serving.end("SIGTERM")
}
