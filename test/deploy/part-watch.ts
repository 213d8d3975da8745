import { chmodSync, chownSync, readFileSync, type Stats, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Results } from "../interop/results.ts"
import { dataOf, Entries } from "../support/entries.ts"
import { type Confining, checkWatchConfined } from "./part-confined.ts"
import type { Ports, Ran, Stage } from "./stage.ts"

/** The first look of the doctor and of the deadlines is a minute after the start; a busy machine takes its time. */
const lookMs = 150_000
const leaver = "spiffe://postern.local/writer/leaver"

/** An installation whose processes run as their users. */
interface WatchedPlace {
  readonly ports: Ports
  readonly audit: string
  readonly unit: Confining
  /** By which postern-reader looks at what it shows in the console, as setpriv takes them. */
  readonly rights: readonly string[]
}

/**
 * Somebody for whom nobody answers in a review whose deadline was yesterday.
 * @param gid whose access.yaml is, beside root: what ends it must leave it so
 */
export function leaveUnanswered(stage: Stage, audit: string, gid: number): void {
  const config = join(audit, "postern.yaml")
  const access = join(audit, "access.yaml")
  chownSync(access, 0, gid)
  chmodSync(access, 0o640)
  stage.must(stage.postern, ["writer", "add", "leaver", "--config", config])
  if (send(stage, audit, "writer-leaver").code !== 0) throw new Error("the leaver cannot send yet")
  const file = stage.must(stage.postern, ["access", "review", "start", "--config", config]).trim()
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  const [head = "", ...entries] = readFileSync(file, "utf8").split(/^(?= {2}- id: )/m)
  const answered = entries.map((entry) =>
    entry.includes(`id: ${leaver}\n`) ? entry : entry.replace('decision: ""', "decision: certify"),
  )
  const over = head.replace(/^deadline: .*$/m, `deadline: ${yesterday}`)
  writeFileSync(file, [over, ...answered].join(""))
}

/** Nobody here tells the time. */
const unseenAnyway = ["clock.offset"]

interface Word {
  readonly findings: readonly { readonly id: string; readonly result: string }[]
}

/** The scheduled work of the guard, which no other unit does. */
export async function tryWatch(
  stage: Stage,
  { audit, ports, unit, rights }: WatchedPlace,
  results: Results,
): Promise<void> {
  checkWatchConfined(stage, unit, results)
  const entries = await Entries.follow(join(audit, "data/log"))
  const find = (action: string) => {
    const wanted = entries.find(action, ({ event }) => event.action === action, { ms: lookMs })
    return wanted.catch(() => undefined)
  }
  const examined = await find("postern.doctor.examined")
  const expired = await find("postern.access.expired")
  await entries.close()
  results.check(examined !== undefined, "the watch has the doctor look: an entry of the log")
  const ops = async (path: string) => (await fetch(`http://127.0.0.1:${ports.ops}${path}`)).text()
  const isTold = /^postern_doctor_seconds \d/m.test(await ops("/metrics"))
  const standing = await ops("/readyz?verbose")
  const isShown = isTold && /doctor: \w+, at /.test(standing)
  results.check(isShown, "/readyz and the metrics show it", standing)
  const word = join(audit, "data/state/doctor.json")
  const read = stage.run("setpriv", [...rights, "cat", word])
  results.check(read.code === 0, "the reader process may read what was found", read.text)
  const { findings } = JSON.parse(read.code === 0 ? read.text : '{"findings":[]}') as Word
  const unseen = findings.filter((one) => one.result === "unknown").map(({ id }) => id)
  const isSeen = findings.length > 30 && unseen.every((id) => unseenAnyway.includes(id))
  results.check(isSeen, `the doctor looked at ${findings.length} things from there`, `${unseen}`)
  const names = expired === undefined ? [] : (dataOf(expired).expired as readonly string[])
  const what = "the watch ends what a review left unanswered: an entry of the log"
  results.check(`${names}` === leaver, what, `${names}`)
  checkEnded(stage, audit, results)
}

function send(stage: Stage, audit: string, name: string): Ran {
  const profile = ["--profile", join(audit, `profiles/${name}.yaml`)]
  const event = JSON.stringify({ action: "door.opened", actor: "alice" })
  return stage.run(stage.postern, ["send", ...profile], { input: event })
}

function checkEnded(stage: Stage, audit: string, results: Results): void {
  const [gone, stays] = ["writer-leaver", "writer"].map((name) => send(stage, audit, name))
  const isRefused = gone?.code !== 0 && stays?.code === 0
  const said = `${gone?.code}: ${gone?.text} ${stays?.text}`
  results.check(isRefused, "whom it ended is refused, and nobody else", said)
  const { gid, mode }: Stats = statSync(join(audit, "access.yaml"))
  const isKept = gid !== 0 && (mode & 0o777) === 0o640
  results.check(isKept, "access.yaml stays whose it was", `${gid} ${mode.toString(8)}`)
}
