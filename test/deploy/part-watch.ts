import { join } from "node:path"
import type { Results } from "../interop/results.ts"
import { dataOf, Entries, type Indexed } from "../support/entries.ts"
import { type Confining, checkWatchConfined } from "./part-confined.ts"
import type { Ports, Stage } from "./stage.ts"

/** The first look of the doctor comes some seconds after the start, of the firewall every twenty; a busy machine takes its time. */
const lookMs = 150_000

/** An installation whose processes run as their users. */
interface WatchedPlace {
  readonly ports: Ports
  readonly audit: string
  readonly unit: Confining
  /** Of the watch's user, as setpriv takes them. */
  readonly rights: readonly string[]
  /** By which postern-reader looks at what it shows in the console. */
  readonly readers: readonly string[]
}

/** Real rules, on the address that is none of loopback. */
export function applyRules(stage: Stage, audit: string, results: Results): void {
  const config = ["--config", join(audit, "postern.yaml")]
  const apply = stage.run(stage.postern, ["firewall", "apply", "nftables", ...config])
  const confirm = stage.run(stage.postern, ["firewall", "confirm"])
  const isDone = apply.code === 0 && confirm.code === 0
  results.check(isDone, "firewall rules are in force", apply.text + confirm.text)
}

/** Nobody here tells the time. */
const unseenAnyway = ["clock.offset"]

interface Word {
  readonly findings: readonly {
    readonly id: string
    readonly result: string
    readonly evidence: string
  }[]
}

/** The scheduled work of the guard, which no other unit does. */
export async function tryWatch(
  stage: Stage,
  { audit, ports, unit, rights, readers }: WatchedPlace,
  results: Results,
): Promise<void> {
  checkWatchConfined({ stage, unit, audit, rights }, results)
  const entries = await Entries.follow(join(audit, "data/log"))
  const find = (action: string, from = 0): Promise<Indexed | undefined> => {
    const isMeant = ({ event }: Indexed) => event.action === action
    return entries.find(action, isMeant, { from, ms: lookMs }).catch(() => undefined)
  }
  const examined = await find("postern.doctor.examined")
  results.check(examined !== undefined, "the watch has the doctor look: an entry of the log")
  await checkShown(ports, results)
  const word = join(audit, "data/state/watch/doctor.json")
  const read = stage.run("setpriv", [...readers, "cat", word])
  results.check(read.code === 0, "the reader process may read what was found", read.text)
  checkFindings(JSON.parse(read.code === 0 ? read.text : '{"findings":[]}') as Word, results)
  stage.must("nft", ["delete", "table", "inet", "postern"])
  const drifted = await find("postern.firewall.drifted")
  const said = drifted === undefined ? "" : String(dataOf(drifted).evidence)
  results.check(/no rules of ours/.test(said), "deleted rules are an entry of the log", said)
  const told = await find("postern.doctor.examined", (drifted?.index ?? 0) + 1)
  const failed = JSON.stringify(told === undefined ? "" : dataOf(told).checks)
  results.check(failed.includes("firewall.drift"), "and the doctor has looked again", failed)
  applyRules(stage, audit, results)
  const found = await find("postern.firewall.found")
  results.check(found !== undefined, "rules that are back are an entry, too")
  await entries.close()
}

async function checkShown(ports: Ports, results: Results): Promise<void> {
  const ops = async (path: string) => (await fetch(`http://127.0.0.1:${ports.ops}${path}`)).text()
  const isTold = /^postern_doctor_seconds \d/m.test(await ops("/metrics"))
  const standing = await ops("/readyz?verbose")
  const isShown = isTold && /doctor: \w+, at /.test(standing)
  results.check(isShown, "/readyz and the metrics show it", standing)
}

function checkFindings({ findings }: Word, results: Results): void {
  const say = (all: Word["findings"]) => all.map(({ id, evidence }) => `${id} (${evidence})`).join()
  const unseen = findings.filter(({ result }) => result === "unknown")
  const isSeen = findings.length > 30 && unseen.every(({ id }) => unseenAnyway.includes(id))
  results.check(isSeen, `the doctor looked at ${findings.length} things from there`, say(unseen))
  const of = (id: string) => findings.filter((one) => one.id === id)
  for (const id of ["port.owner", "firewall.drift", "door.expired", "process.core", "canary"]) {
    const bad = of(id).filter(({ result }) => result !== "ok")
    results.check(of(id).length > 0 && bad.length === 0, `${id}: ${of(id).length} ok`, say(bad))
  }
}
