/**
 * What an installation is made of, tried: the artefact in an empty prefix, the units of systemd, upgrades while sockets are
 * held, the manifests, the rules and the board. As root, since users and network namespaces are part of it.
 * Run it by `npm run test:deploy`; `--record` writes its figures into docs/assurance.md.
 */
import { recordRun } from "../crash/assurance.ts"
import { Results } from "../interop/results.ts"
import { installArtefact, useArtefact } from "./part-artefact.ts"
import { checkKubernetes } from "./part-kubernetes.ts"
import { restartUnderLoad } from "./part-restart.ts"
import { checkRules } from "./part-rules.ts"
import { tryUnits } from "./part-units.ts"
import { Stage } from "./stage.ts"

const results = new Results()
const isRoot = process.geteuid?.() === 0

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

async function asRoot(): Promise<void> {
  const stage = new Stage()
  try {
    await part("artefact", () => installArtefact(stage, results))
    let metrics = ""
    await part("first minutes", async () => {
      metrics = await useArtefact(stage, results)
    })
    await part("units", () => tryUnits(stage, results))
    await part("restarts", () => restartUnderLoad(stage, results))
    await part("rules and board", () => checkRules(stage, metrics, results))
    await part("cluster", () => checkKubernetes(stage, results))
  } finally {
    stage.remove()
  }
}

if (isRoot) await asRoot()
else results.check(process.env.CI !== "true", "artefact and units are tried as root only")
if (process.argv.includes("--record")) recordRun(results.report.of(), "deploy")
results.end()
