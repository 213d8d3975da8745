import { isIP } from "node:net"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { formatHostPort, loadConfig, scopeOf } from "../../config/index.ts"
import {
  gatherListeners,
  gatherPortFacts,
  type JudgedPort,
  judgeListeners,
  type PickedPorts,
  pickPorts,
  reservationOf,
  socketWords,
  thisMachine,
  worstOf,
} from "../../guard/exposure/index.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import { describeFindings } from "../findings.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { collectList, configOption, jsonOption } from "../options.ts"
import { printable } from "../printable.ts"
import { formatTable } from "../table.ts"

export function registerPort(program: Command, io: CommandIo): void {
  const port = program
    .command("port")
    .helpGroup(helpGroups.setUp)
    .summary("choose the ports, and see whether they are still ours")
    .description("Looks at the ports of this machine. Changes nothing.")
    .addHelpText("after", examples)
  pickCommand(port, io)
  checkCommand(port, io)
}

const examples = `
Examples:
  postern port pick --address 10.0.0.7
  postern port check --config audit/postern.yaml`

const loopback = ["127.0.0.1", "::1"]
const planes = ["write", "read", "ops"] as const

interface PickFlags {
  readonly address?: readonly string[]
  readonly json?: true
}

function pickCommand(port: Command, io: CommandIo): void {
  port
    .command("pick")
    .summary("propose three ports that nobody else wants")
    .description(
      "Proposes the usual ports, or the nearest three that are good here, and says why. Listens on each for a moment; " +
        "what it may not look at is unknown: run it as root to see everything.",
    )
    .option("--address <list>", "addresses to listen on (default: loopback)", collectList)
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async ({ address = [], json }: PickFlags) => {
      for (const one of address) {
        if (isIP(one) === 0 || scopeOf(one) === "wildcard")
          throw new PosternError("USAGE", `--address takes IP addresses, not ${one}`)
      }
      const facts = await gatherPortFacts()
      // A machine without IPv6 has nobody who could take that half of localhost.
      const both = facts.hasIpv6Loopback ? loopback : ["127.0.0.1"]
      const picked = await pickPorts(facts, [...new Set([...address, ...both])])
      const numbers = picked.ports.map(({ port }) => port)
      const sysctl = reservationOf(numbers, facts)
      if (json) return io.line(JSON.stringify({ ...picked, sysctl }))
      io.line(describePicked(picked, io.color))
      io.line(`\n${listenText(numbers, address.length === 0 ? both : address, both)}`)
      io.line(`\n# /etc/sysctl.d/90-postern.conf\n${sysctl}`)
    })
}

function describePicked({ ports, passedOver }: PickedPorts, color: boolean): string {
  const all = [...passedOver, ...ports]
  const checks = ports[0].reasons.map(({ check }) => check)
  const rows = all.map((judged, at) => [
    at < passedOver.length ? "not" : (planes[at - passedOver.length] ?? ""),
    `${judged.port}`,
    ...judged.reasons.map(({ result }) => result),
  ])
  const table = formatTable(["for", "port", ...checks], rows, { color })
  return [table, ...explain(all)].join("\n")
}

/** What is not well, once for all the ports that it is true of. */
function explain(judged: readonly JudgedPort[]): string[] {
  const ports = new Map<string, number[]>()
  for (const { port, reasons } of judged) {
    for (const { check, result, evidence } of reasons) {
      const text = `${check} ${result}: ${evidence}`
      if (result !== "ok") ports.set(text, [...(ports.get(text) ?? []), port])
    }
  }
  return [...ports].map(([text, numbers]) => printable(`${numbers.join(", ")} ${text}`))
}

/** The lines for postern.yaml. */
function listenText(
  numbers: readonly number[],
  addresses: readonly string[],
  both: readonly string[],
): string {
  const lines = planes.map((plane, at) => {
    const hosts = plane === "ops" ? both : addresses
    const texts = hosts.map((host) => formatHostPort({ host, port: numbers[at] ?? 0 }))
    return `  ${plane}: [${texts.map((text) => JSON.stringify(text)).join(", ")}]`
  })
  return ["# postern.yaml", "listen:", ...lines].join("\n")
}

function checkCommand(port: Command, io: CommandIo): void {
  port
    .command("check")
    .summary("who listens on the configured ports, and who else could")
    .description(
      "Checks each listener of the installation. Ends with 0 if nothing fails, 3 if something does, 1 if something could not be found out.",
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (flags: { config: string; json?: true }) => {
      const config = loadConfig(flags.config)
      const [listeners, facts] = [
        await gatherListeners(config),
        await gatherPortFacts(thisMachine, socketWords(config)),
      ]
      const findings = judgeListeners(listeners, config.listen.allow ?? [], facts)
      const result = worstOf(findings.map((finding) => finding.result))
      if (flags.json) io.line(JSON.stringify({ result, findings }))
      else io.line(describeFindings(findings, result, "ports", io.color))
      if (result === "fail") throw new Ending(exitCodes.unverified)
      if (result === "unknown") throw new Ending(exitCodes.failed)
    })
}
