/**
 * The rules of a machine are deleted under a running port: runs in namespaces of its own, where it is root and every port
 * is free. Prints what was met as one line of JSON.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { startPort } from "../support/port-process.ts"
import { sayPlain } from "./dial.ts"
import { inYard } from "./yard.ts"

const bin = fileURLToPath(new URL("../../packages/server/bin/postern.cjs", import.meta.url))

const met = await inYard(async (yard) => {
  execFileSync("ip", ["link", "set", "lo", "up"])
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
  const said = `in force ${before}, ${value}, then ${await yard.post(running)}${fault ?? ""}`
  return { said, left: await yard.left() }
})
console.log(JSON.stringify(met))
process.exit(0)
