/**
 * The rules of a machine are deleted under a running port, and under a whole service whose doctor must notice: runs in namespaces of its own, where it is root and every port
 * is free. Prints what was met as one line of JSON.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { deleteRules, followPage } from "../support/newcomer.ts"
import { startPort } from "../support/port-process.ts"
import { sayPlain } from "./dial.ts"
import { inYard } from "./yard.ts"

const bin = fileURLToPath(new URL("../../packages/server/bin/postern.cjs", import.meta.url))

/** The service of a newcomer, as the page has it: how its own doctor takes it. */
async function askDoctor(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "postern-newcomer-"))
  const newcomer = await followPage(directory)
  try {
    await deleteRules(newcomer)
    const { status } = newcomer.run("postern doctor --config audit/postern.yaml --fail-on high")
    return `doctor within a minute, then ${status}`
  } catch (error) {
    return String(error)
  } finally {
    await newcomer.end()
    rmSync(directory, { recursive: true, force: true })
  }
}

const doctor = await askDoctor()
const met = await inYard(async (yard) => {
  const { configFile } = yard.installation
  let port = 17_514
  const config = readFileSync(configFile, "utf8").replace(/127\.0\.0\.1:0\b/g, () => {
    return `127.0.0.1:${port++}`
  })
  writeFileSync(configFile, config)
  const firewall = (verb: string) =>
    spawnSync(process.execPath, [bin, "firewall", verb, "nftables", "--config", configFile], {
      encoding: "utf8",
    })
  const running = await startPort(configFile)
  yard.undo.push(() => running.end("SIGKILL"))
  execFileSync("nft", ["-f", "-"], { input: firewall("render").stdout })
  const before = firewall("verify").status
  const bystander = await yard.enter(running)
  const deleted = async (): Promise<string> => {
    execFileSync("nft", ["flush", "ruleset"])
    const { status, stdout } = firewall("verify")
    const shown = stdout.includes("+ ") ? "and shown" : stdout
    const call = { host: running.write.host, port: running.write.port }
    const stranger = await sayPlain({ call }, "GET / HTTP/1.1\r\n\r\n")
    return `deleted ${status} ${shown}, a stranger ${stranger}`
  }
  const { value, fault } = await bystander.beside(deleted())
  const said = `${doctor}, in force ${before}, ${value}, then ${await yard.post(running)}${fault ?? ""}`
  return { said, left: await yard.left() }
})
console.log(JSON.stringify(met))
process.exit(0)
