/**
 * A newcomer on a machine with nftables, in namespaces of its own, where it is root: does exactly what docs/operating/doctor.md says, and
 * asks the doctor. Then the rules are deleted under the running service. One line of JSON for each thing that was looked at.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { deleteRules, followPage, newcomersCommands } from "../support/newcomer.ts"
import { until } from "../support/waiting.ts"
import type { Look } from "./commands.ts"

interface Finding {
  readonly id: string
  readonly result: string
  readonly severity: string
  readonly evidence: string
}

function look(holds: boolean, what: string, why = ""): void {
  console.log(JSON.stringify({ holds, what, why } satisfies Look))
}

const work = mkdtempSync(join(tmpdir(), "postern-newcomer-"))
const newcomer = await followPage(work)
try {
  const commands = newcomersCommands()
  const between = commands.slice(1, -1)
  const isThree = commands[0]?.startsWith("postern init ") && between.length === 3
  look(isThree === true, "a newcomer: three commands between init and doctor", commands.join("; "))
  for (const { line, ran } of newcomer.ran) {
    look(ran.status === 0, `a newcomer: ${line}`, `${ran.status}: ${ran.stdout}${ran.stderr}`)
  }
  const { stdout } = newcomer.run(
    "postern doctor --config audit/postern.yaml --fail-on high --json",
  )
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  const bad = findings.filter(({ result, severity }) => {
    return ["fail", "unknown"].includes(result) && ["critical", "high"].includes(severity)
  })
  const say = (all: readonly Finding[]) =>
    all.map(({ id, result, evidence }) => `${id} ${result} (${evidence})`).join("; ")
  look(bad.length === 0, "a newcomer: nothing critical or high fails or is unknown", say(bad))
  const rules = findings.find(({ id }) => id === "firewall.drift")
  look(rules?.result === "ok", "a newcomer: the rules are in the kernel", rules?.evidence)
  const rest = findings.filter(({ result }) => result === "unknown")
  look(
    rest.every(({ id }) => id === "clock.offset"),
    "a newcomer: nothing else is unknown but a clock that no time service keeps",
    say(rest),
  )
  const seconds = await deleteRules(newcomer).catch((error: Error) => error.message)
  look(
    typeof seconds === "number",
    "a newcomer: deleted rules are an entry, and the service's doctor has found them, within 60 seconds",
    String(seconds),
  )
  const said = await until(
    () => newcomer.said().includes("firewall: fail") || undefined,
    20_000,
    "its word",
  ).catch(() => undefined)
  look(said === true, "a newcomer: and the service said it", newcomer.said().slice(-500))
} finally {
  await newcomer.end()
  rmSync(work, { recursive: true, force: true })
}
