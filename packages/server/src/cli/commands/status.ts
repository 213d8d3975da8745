import { dirname, join } from "node:path"
import { loadProfile } from "@postern/client"
import type { Command } from "commander"
import { adminClient } from "../admin-client.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { formatTable } from "../table.ts"

export function registerStatus(program: Command, io: CommandIo): void {
  program
    .command("status")
    .helpGroup(helpGroups.everyDay)
    .summary("what the running port says about itself")
    .description(
      "Asks the port over its admin socket, with the operator's profile of the installation.",
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  postern status --config audit/postern.yaml")
    .action(async (options: { config: string; json?: true }) => {
      const profile = loadProfile(join(dirname(options.config), "profiles", "operator.yaml"))
      const status = await adminClient(profile).status()
      if (options.json) return io.line(JSON.stringify(status))
      io.line(describe(status))
    })
}

function describe(status: Readonly<Record<string, unknown>>): string {
  const notReady = status.notReady as readonly string[]
  const rows = [
    ["log", String(status.origin)],
    ["state", notReady.length === 0 ? "ready" : `not ready: ${notReady.join("; ")}`],
    ["durable", `${status.durableSize} entries`],
    ["published", `${status.publishedSize} entries under the newest checkpoint`],
    ["received", `${status.events} events in ${status.batches} batches since the start`],
    ["refused", `${status.refused} since the start`],
    ["connections", `${status.connections}, ${status.streams} streams open`],
    ["verifier key", String(status.vkey)],
  ]
  return formatTable(["", ""], rows)
}
