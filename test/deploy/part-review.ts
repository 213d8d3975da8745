import { chmodSync, chownSync, readFileSync, type Stats, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Results } from "../interop/results.ts"
import { dataOf, Entries, type Indexed } from "../support/entries.ts"
import type { Ran, Stage } from "./stage.ts"

const leaver = "spiffe://postern.local/writer/leaver"

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

/**
 * What the timer starts ends it, for nobody else does.
 * @param end runs the unit once
 */
export async function tryReview(
  stage: Stage,
  { audit, end }: { readonly audit: string; readonly end: () => Ran },
  results: Results,
): Promise<void> {
  results.check(send(stage, audit, "writer-leaver").code === 0, "the watch ended nobody")
  const ran = end()
  results.check(ran.code === 0, "postern-review, as root without a network", ran.text)
  const entries = await Entries.follow(join(audit, "data/log"))
  const isMeant = ({ event }: Indexed) => event.action === "postern.access.expired"
  const expired = await entries.find("an end", isMeant).catch(() => undefined)
  await entries.close()
  const names = expired === undefined ? [] : (dataOf(expired).expired as readonly string[])
  const what = "it ends what a review left unanswered: an entry of the log"
  results.check(`${names}` === leaver, what, `${names}`)
  checkEnded(stage, audit, results)
  const again = end()
  results.check(again.code === 0, "once more it has nothing to do", again.text)
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
