/**
 * What an installation is made of, tried: the artefact in an empty prefix, the units of systemd, upgrades while sockets are
 * held, the manifests, the rules and the board. As root, since users and network namespaces are part of it.
 * Run it by `npm run test:deploy`; `--record` writes its figures into docs/assurance.md.
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { recordRun } from "../crash/assurance.ts"
import { Results } from "../interop/results.ts"
import { checkAgentFiles } from "./part-agent.ts"
import { installArtefact, useArtefact } from "./part-artefact.ts"
import { checkKubernetes } from "./part-kubernetes.ts"
import { restartUnderLoad } from "./part-restart.ts"
import { checkRules } from "./part-rules.ts"
import { tryUnits } from "./part-units.ts"
import { machine, Stage } from "./stage.ts"

const results = new Results()
const isRoot = process.geteuid?.() === 0
const isApart = "--apart"

async function part(name: string, run: () => void | Promise<void>): Promise<void> {
  console.log(`\n${name}`)
  results.report.begin(name)
  const began = performance.now()
  const before = results.report.checked
  try {
    await run()
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    results.check(false, `${name}: to the end`, why)
  }
  results.report.count("checks", results.report.checked - before)
  console.log(`${((performance.now() - began) / 1000).toFixed(1)} s`)
}

/** On a machine of its own, as far as networks go: firewall rules of ours are no business of this one's. */
function apart(): void {
  const script = `ip link set lo up; ip address add ${machine}/32 dev lo; mount -t tmpfs tmpfs /run; exec "$@"`
  const again = [
    process.execPath,
    fileURLToPath(import.meta.url),
    isApart,
    ...process.argv.slice(2),
  ]
  const words = ["--net", "--mount", "sh", "-ec", script, "sh", ...again]
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` }
  process.exitCode = spawnSync("unshare", words, { env, stdio: "inherit" }).status ?? 1
}

async function asRoot(): Promise<void> {
  const stage = new Stage()
  try {
    await part("artefact", () => installArtefact(stage, results))
    let metrics = ""
    await part("first minutes", async () => {
      metrics = await useArtefact(stage, results)
    })
    await part("units", () => tryUnits(stage, results))
    await part("agent", () => checkAgentFiles(stage, results))
    await part("restarts", () => restartUnderLoad(stage, results))
    await part("rules and board", () => checkRules(stage, metrics, results))
    await part("cluster", () => checkKubernetes(stage, results))
  } finally {
    stage.remove()
  }
}

if (isRoot && !process.argv.includes(isApart)) apart()
else {
  if (isRoot) await asRoot()
  else results.check(process.env.CI !== "true", "artefact and units are tried as root only")
  if (process.argv.includes("--record")) recordRun(results.report.of(), "deploy")
  results.end()
}
