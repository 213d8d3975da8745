import { mkdirSync } from "node:fs"
import { connect as dial } from "node:net"
import { join } from "node:path"
import { type Audit, connect } from "@postern/client"
import { processCommand } from "../../packages/server/dist/supervisor/index.js"
import type { Results } from "../interop/results.ts"
import { Entries } from "../support/entries.ts"
import { pause, until } from "../support/waiting.ts"
import { type Held, Holder } from "./holder.ts"
import { freePorts, portFlags, ready, type Stage } from "./stage.ts"

const writers = 4
const restarts = 3
const dialEveryMs = 5
const eventEveryMs = 4
/** Under load between two restarts. */
const steadyMs = 1_000
const action = "deploy.done"

interface Load {
  readonly waitsMs: number[]
  readonly failed: string[]
  made: number
  stopped: boolean
}

/** Upgrades as `systemctl restart` makes them, while writers send and somebody dials all the time. */
export async function restartUnderLoad(stage: Stage, results: Results): Promise<void> {
  const ports = await freePorts()
  const audit = join(stage.directory, "restarted")
  stage.must(stage.postern, ["init", audit, ...portFlags(ports)])
  const config = join(audit, "postern.yaml")
  const holder = await Holder.open([`write=127.0.0.1:${ports.write}`, `ops=127.0.0.1:${ports.ops}`])
  const start = () => {
    return holder.start({ argv: processCommand("port", config), names: ["write", "ops"] })
  }
  const load: Load = { waitsMs: [], failed: [], made: 0, stopped: false }
  const dials = { made: 0, refused: 0, done: false }
  let port = await start()
  try {
    await ready(ports.ops)
    const audits = await openWriters(audit)
    const working = [...audits.map((one) => work(one, load)), dialAlways(ports.write, dials)]
    const codes: number[] = []
    const awayMs: number[] = []
    for (let n = 0; n < restarts; n++) {
      await pause(steadyMs)
      const began = performance.now()
      codes.push(await port.end())
      port = await start()
      await ready(ports.ops)
      awayMs.push(Math.round(performance.now() - began))
    }
    await pause(steadyMs)
    await until(() => dials.made > 100 || undefined, 60_000, "enough connections")
    load.stopped = true
    dials.done = true
    await Promise.all(working)
    await Promise.all(audits.map((one) => one.close(10_000)))
    results.check(
      codes.every((code) => code === 0),
      `${restarts} times it ended in order`,
      `${codes}`,
    )
    results.check(
      dials.refused === 0 && dials.made > 100,
      `${dials.made} connections while it was restarted ${restarts} times, ${dials.refused} refused`,
    )
    await checkLog(join(audit, "data/log"), load, results)
    tell(load, awayMs)
  } finally {
    load.stopped = true
    dials.done = true
    await stop(port, holder)
  }
}

async function stop(port: Held, holder: Holder): Promise<void> {
  await port.end().catch(() => undefined)
  await holder.close()
}

function openWriters(audit: string): Promise<Audit[]> {
  const profile = join(audit, "profiles/writer.yaml")
  return Promise.all(
    Array.from({ length: writers }, (_, n) => {
      const directory = join(audit, `spool-${n}`)
      mkdirSync(directory)
      return connect(profile, { spool: { directory }, onProblem: () => undefined })
    }),
  )
}

/** An event every few milliseconds, whatever becomes of those before it. */
async function work(audit: Audit, load: Load): Promise<void> {
  const confirming: Promise<void>[] = []
  while (!load.stopped) {
    const began = performance.now()
    load.made += 1
    const confirmed = audit.confirm(action, { actor: "writer", target: `thing/${load.made}` })
    confirming.push(
      confirmed.then(
        () => void load.waitsMs.push(performance.now() - began),
        (error) => void load.failed.push(String(error)),
      ),
    )
    await pause(eventEveryMs)
  }
  await Promise.all(confirming)
}

/** Connects and hangs up, over and over: a refusal would be an address that nobody holds. */
async function dialAlways(port: number, dials: { made: number; refused: number; done: boolean }) {
  while (!dials.done) {
    dials.made += 1
    await new Promise<void>((resolve) => {
      const socket = dial({ host: "127.0.0.1", port })
      socket.once("connect", () => socket.destroy())
      socket.once("error", () => {
        dials.refused += 1
      })
      socket.once("close", () => resolve())
    })
    await pause(dialEveryMs)
  }
}

async function checkLog(directory: string, load: Load, results: Results): Promise<void> {
  const entries = await Entries.follow(directory)
  const all = await entries.all()
  await entries.close()
  const ids = all.filter(({ event }) => event.action === action).map(({ event }) => event.id)
  const once = new Set(ids).size === ids.length
  const { made, waitsMs, failed } = load
  const what = `${made} events, ${waitsMs.length} acknowledged, ${ids.length} in the log, each once`
  results.check(failed.length === 0 && once && ids.length === made, what, `${failed.slice(0, 3)}`)
}

function tell({ waitsMs }: Load, awayMs: readonly number[]): void {
  const sorted = [...waitsMs].sort((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)
  console.log(`away for ${awayMs.join(", ")} ms`)
  console.log(`time to acknowledgement: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`)
}
