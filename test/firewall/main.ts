/**
 * The firewall rules, tried: a machine, its clients and a container in network namespaces, as root and as nobody in
 * particular. Every client tries every port, over both families, directly and through address translation; then a live
 * connection is cut, the command line applies, confirms and takes back, and a newcomer does what docs/operating/doctor.md says. Run it
 * by `npm run test:firewall`; `--record` writes its figures into docs/assurance.md.
 */
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseAccess } from "../../packages/server/dist/access/index.js"
import { dialects, makeModel, render } from "../../packages/server/dist/guard/firewall/index.js"
import { recordRun } from "../crash/assurance.ts"
import { Results } from "../interop/results.ts"
import type { Look } from "./commands.ts"
import { everyRights, obstacle, type Rights, runApart } from "./namespaces.ts"
import { accessText, clients, granted, otherPort, ports } from "./places.ts"
import type { Outcome, Plan, Probe } from "./plan.ts"

const results = new Results()
const work = mkdtempSync(join(tmpdir(), "postern-firewall-"))
const here = fileURLToPath(new URL(".", import.meta.url))
const tried = ["nftables", "iptables"]
const service = 4_321

/** A copy that everybody may read, whatever the rights of this checkout. */
function copyApart(): { node: string; script: string } {
  chmodSync(work, 0o755)
  const node = join(work, "node")
  copyFileSync(process.execPath, node)
  chmodSync(node, 0o755)
  mkdirSync(join(work, "test/firewall"), { recursive: true })
  cpSync(join(here, "apart"), join(work, "test/firewall/apart"), { recursive: true })
  mkdirSync(join(work, "test/support"))
  copyFileSync(join(here, "../support/waiting.ts"), join(work, "test/support/waiting.ts"))
  return { node, script: join(work, "test/firewall/apart/network.ts") }
}

function planFor(rights: Rights): Plan {
  // In a user namespace there is one user.
  const uid = rights === "root" ? service : 0
  const users = [
    { name: "root", uid: 0 },
    { name: "service", uid: service },
    { name: "somebody", uid: 1_234 },
  ]
  const listen = (port: number) => [{ host: "10.77.0.1", port }]
  const at = { write: listen(ports.write), read: listen(ports.read), ops: listen(ports.ops) }
  const textOf = (name: string, access: string): string => {
    const dialect = dialects.find((one) => one.name === name)
    if (dialect === undefined) throw new Error(`there is no dialect ${name}`)
    return render(dialect, makeModel(parseAccess(access), at, Date.now(), [uid])).text
  }
  return {
    ports: [...Object.values(ports), otherPort],
    clients,
    users: users.filter((user) => rights === "root" || user.uid === 0),
    dialects: tried.map((name) => ({
      name,
      text: textOf(name, accessText()),
      revoked: textOf(name, accessText("writer")),
    })),
  }
}

function expected({ from, port }: Probe): "open" | "silent" {
  const open = port === otherPort || from === "root" || from === "service" || granted[from] === port
  return open ? "open" : "silent"
}

/** One check for each probe would drown what matters: the wrong ones are named. */
function checkProbes(
  what: string,
  probes: readonly Probe[],
  wanted: (probe: Probe) => string,
): void {
  const wrong = probes.filter((probe) => probe.state !== wanted(probe))
  const open = probes.filter((probe) => wanted(probe) === "open").length
  const why = wrong.map(
    ({ from, path, host, port, state }) => `${from} ${path} ${host} ${port}: ${state}`,
  )
  const counts = `${probes.length} probes (${open} open), ${wrong.length} wrong`
  results.check(wrong.length === 0 && probes.length > 0, `${what}: ${counts}`, why.join("; "))
  results.report.count("probes", probes.length)
  results.report.count("probes that came to something else than the access list says", wrong.length)
}

function checkOutcome(rights: Rights, { without, dialects }: Outcome): void {
  results.report.begin(`as ${rights}`)
  checkProbes(`as ${rights}, no rules`, without, () => "open")
  for (const { name, probes, once, twice, refused, revoked } of dialects) {
    const what = `as ${rights}, ${name}`
    for (const path of ["local", "translated", "loopback"] as const) {
      for (const colons of [false, true]) {
        const some = probes.filter((one) => one.path === path && one.host.includes(":") === colons)
        checkProbes(`${what}, ${path}, IPv${colons ? 6 : 4}`, some, expected)
      }
    }
    results.check(
      once === twice && once.includes("17514"),
      `${what}: loaded again, the rules are the same`,
    )
    const [before, after] = refused
    // iptables counts for each rule, and so anew for a chain that is filled again.
    const counts = name === "iptables" ? before > 0 : before > 0 && after >= before
    results.check(counts, `${what}: what was refused is counted`, `${before} to ${after}`)
    const { writer, reader } = revoked
    const bytes = `writer ${writer.join(" to ")}, reader ${reader.join(" to ")} bytes`
    const cut = writer[0] === writer[1] && writer[0] > 0 && reader[1] > reader[0]
    results.check(cut, `${what}: a writer that is taken out is cut in its connection (${bytes})`)
  }
}

async function tryCommands(rights: Rights, script: string, ...words: string[]): Promise<void> {
  const lines = await runApart(rights, [process.execPath, join(here, script), ...words])
  const part = ["commands as", rights, ...words].join(" ")
  results.report.begin(script === "newcomer.ts" ? "a newcomer" : part)
  for (const line of lines.trim().split("\n")) {
    results.report.count("things looked at")
    const { holds, what, why } = JSON.parse(line) as Look
    results.check(holds, what, why)
  }
}

/** In CI what cannot be tried has failed; elsewhere it is said. */
async function canTry(rights: Rights): Promise<boolean> {
  const why = await obstacle(rights)
  if (why === undefined) return true
  if (process.env.CI === "true") results.check(false, `as ${rights}: namespaces and firewalls`, why)
  else console.log(`skipped as ${rights}: ${why}`)
  return false
}

try {
  const { node, script } = copyApart()
  // Each waits for its own silences: together they take as long as the longest.
  await Promise.all(
    everyRights().map(async (rights) => {
      if (!(await canTry(rights))) return
      // The command line is in this checkout, which nobody else need be able to read.
      const commands =
        rights === "nobody"
          ? []
          : [
              ...tried.map((name) => tryCommands(rights, "commands.ts", name)),
              tryCommands(rights, "newcomer.ts"),
            ]
      const outcome = await runApart(rights, [node, script], JSON.stringify(planFor(rights)))
      checkOutcome(rights, JSON.parse(outcome) as Outcome)
      await Promise.all(commands)
    }),
  )
} catch (error) {
  results.check(false, "the programme itself", error instanceof Error ? error.stack : String(error))
} finally {
  rmSync(work, { recursive: true, force: true })
}
if (process.argv.includes("--record")) recordRun(results.report.of(), "firewall")
results.end()
