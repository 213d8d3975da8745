import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { pack } from "../../tools/pack.ts"
import { runtimePackages } from "../../tools/runtime-packages.ts"
import type { Results } from "../interop/results.ts"
import { until, within } from "../support/waiting.ts"
import { freePorts, portFlags, ready, type Stage } from "./stage.ts"

/** Packs, and installs into an empty prefix without a registry and without a network. */
export function installArtefact(stage: Stage, results: Results): void {
  const [artefact, again] = pack(stage.directory, join(stage.directory, "again"))
  if (artefact === undefined) throw new Error("nothing was packed")
  results.check(artefact.sha256 === again?.sha256, "packed twice, the artefact is the same bytes")
  const args = [
    "install",
    "--global",
    "--offline",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
  ]
  const places = [
    "--prefix",
    join(stage.directory, "prefix"),
    "--cache",
    join(stage.directory, "cache"),
  ]
  const apart = stage.run("unshare", ["--net", "npm", ...args, ...places, artefact.file])
  results.check(apart.code === 0, "installed into an empty prefix, without a network", apart.text)
  const home = join(stage.directory, "prefix/lib/node_modules")
  results.check(`${readdirSync(home)}` === "postern", "nothing but postern is in the prefix")
  const inside = realpathSync(join(home, "postern"))
  const missing = runtimePackages().filter(({ place }) => !existsSync(join(inside, place)))
  results.check(
    missing.length === 0,
    "every runtime package is inside",
    missing.map(({ place }) => place).join(),
  )
  checkContent(inside, results)
  checkBill(artefact.sbom, results)
  const kib = Math.round(artefact.bytes / 1024)
  console.log(`artefact: ${kib} KiB, ${artefact.packages} packages, sha256 ${artefact.sha256}`)
}

interface Bill {
  readonly bomFormat: string
  readonly components: readonly { readonly name: string; readonly version: string }[]
}

/** The SBOM names what is inside, no more and no less. */
function checkBill(file: string, results: Results): void {
  const { bomFormat, components } = JSON.parse(readFileSync(file, "utf8")) as Bill
  const names = (all: readonly { name: string; version: string }[]) =>
    all.map(({ name, version }) => `${name}@${version}`).sort()
  const same = `${names(components)}` === `${names(runtimePackages())}`
  const what = `the SBOM (${bomFormat}) names the ${components.length} packages`
  results.check(same && bomFormat === "CycloneDX", what, `${names(components)}`)
}

/** No tests, no sources, no links out of it, no package that is for development only. */
function checkContent(inside: string, results: Results): void {
  const files = readdirSync(inside, { recursive: true, encoding: "utf8" })
  const ours = files.filter((file) => /^(?:bin|dist|node_modules\/@postern)\//.test(file))
  const wrong = ours.filter((file) => /\.test\.|\.fixture\.|tsbuildinfo|(?<!\.d)\.ts$/.test(file))
  results.check(
    ours.length > 100 && wrong.length === 0,
    "it has no tests and no sources of ours",
    `${wrong}`,
  )
  const links = files.filter((file) => lstatSync(join(inside, file)).isSymbolicLink())
  const out = links.filter((file) => !realpathSync(join(inside, file)).startsWith(`${inside}/`))
  results.check(out.length === 0, "no link leads out of it", `${out}`)
  const foreign = [
    "vitest",
    "typescript",
    "@biomejs/biome",
    "fast-check",
    "rolldown",
    "assemblyscript",
  ]
  const found = foreign.filter((name) => existsSync(join(inside, "node_modules", name)))
  results.check(found.length === 0, "it has no package for development", `${found}`)
}

/** A newcomer's first minutes with the installed command. Resolves with what /metrics said. */
export async function useArtefact(stage: Stage, results: Results): Promise<string> {
  const { postern } = stage
  const version = stage.run(postern, ["--version"])
  results.check(/^postern \d+\.\d+\.\d+\n$/.test(version.text), "postern --version", version.text)
  const ports = await freePorts()
  const audit = join(stage.directory, "first")
  const init = stage.run(postern, ["init", audit, ...portFlags(ports)])
  results.check(init.code === 0, "postern init", init.text)
  const serving = spawn(postern, ["serve", "--config", join(audit, "postern.yaml")], {
    ...{ env: stage.env, cwd: stage.directory, stdio: ["ignore", "ignore", "pipe"] },
  })
  let said = ""
  let metrics = ""
  serving.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString()
  })
  try {
    await ready(ports.ops)
    const event = JSON.stringify({ action: "door.opened", actor: "alice" })
    const profile = (name: string) => ["--profile", join(audit, `profiles/${name}.yaml`)]
    const send = stage.run(postern, ["send", ...profile("writer")], { input: `${event}\n` })
    results.check(send.code === 0, "postern send", send.text)
    await until(() => said.includes("reader ready") || undefined, 30_000, "the reader")
    metrics = await (await fetch(`http://127.0.0.1:${ports.ops}/metrics`)).text()
    let verify = { code: -1 as number | null, text: "" }
    // The first checkpoint is signed a second after the first entry.
    const verified = () => {
      verify = stage.run(postern, ["verify", ...profile("reader")])
      return verify.code === 0 || !verify.text.includes("NOT_FOUND") || undefined
    }
    await until(verified, 30_000, "a checkpoint")
    results.check(verify.code === 0, "postern verify, over the read port", verify.text)
  } catch (error) {
    results.check(false, "postern serve", `${error} ${said}`)
  } finally {
    const gone = once(serving, "exit")
    serving.kill("SIGTERM")
    await within(gone, 25_000, "the end of postern serve").catch(() => serving.kill("SIGKILL"))
  }
  const verify = stage.run(postern, ["verify", audit, "--config", join(audit, "postern.yaml")])
  results.check(verify.code === 0, "postern verify, on the directory", verify.text)
  return metrics
}
