import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { loadProfile } from "@postern/client"
import type { Command } from "commander"
import { dataDirectories, loadConfig } from "../../config/index.ts"
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
      const mirrors = readMirrors(dataDirectories(loadConfig(options.config)).readerMirrors)
      if (options.json) return io.line(JSON.stringify({ ...status, mirrors }))
      io.line(describe(status, mirrors))
    })
}

/** The last word of a mirror, as the reader process heard it; the port itself knows of none. */
interface MirrorWord {
  readonly reader: string
  readonly size: number
  readonly confirmed: string
}

/** None before the reader process has heard of one. */
function readMirrors(file: string): readonly MirrorWord[] {
  if (!existsSync(file)) return []
  return (JSON.parse(readFileSync(file, "utf8")) as { mirrors: readonly MirrorWord[] }).mirrors
}

function describeCopies(durable: number, mirrors: readonly MirrorWord[]): string {
  const [best] = [...mirrors].sort((a, b) => b.size - a.size)
  if (best === undefined) return "none: everything is durable on one disk"
  const behind = Math.max(0, durable - best.size)
  const tail = behind === 0 ? "" : `, the last ${behind} are durable on one disk`
  return `${best.size} entries, says ${best.reader} at ${best.confirmed}${tail}`
}

function describe(
  status: Readonly<Record<string, unknown>>,
  mirrors: readonly MirrorWord[],
): string {
  const notReady = status.notReady as readonly string[]
  const rows = [
    ["log", String(status.origin)],
    ["state", notReady.length === 0 ? "ready" : `not ready: ${notReady.join("; ")}`],
    ["durable", `${status.durableSize} entries`],
    ["copies", describeCopies(Number(status.durableSize), mirrors)],
    ["published", `${status.publishedSize} entries under the newest checkpoint`],
    ["witnessed", describeWitnesses(status.witnesses as Witnesses | undefined)],
    ["clock", describeClock(status.clock as Clock)],
    ["certificate", describeTls(status.tls as Tls)],
    ["received", `${status.events} events in ${status.batches} batches since the start`],
    ["refused", `${status.refused} since the start`],
    ["connections", `${status.connections}, ${status.streams} streams open`],
    ["verifier key", String(status.vkey)],
  ]
  return formatTable(["", ""], rows)
}

interface Clock {
  readonly source: string
  readonly keeper: string
  readonly synchronized: string
  readonly offset: string
  readonly offsetMs?: number
}

function describeClock({ source, keeper, synchronized, offset, offsetMs }: Clock): string {
  const whose = keeper === "unknown" ? "keeper unknown" : `kept by ${keeper}`
  const kept = synchronized === "yes" ? `synchronized by ${keeper}` : whose
  const far =
    offsetMs === undefined
      ? "no witness to compare it with"
      : `${offset === "beyond" ? "AWAY" : "not away"} from witnesses (${offsetMs} ms)`
  return `${source}, ${kept}, ${far}`
}

interface Tls {
  readonly notAfter: string
  readonly lifeUsed: number
  readonly groups: readonly string[]
  readonly problem?: string
}

function describeTls({ notAfter, lifeUsed, groups, problem }: Tls): string {
  const used = `until ${notAfter}, ${Math.round(lifeUsed * 100)} % of its life used`
  const text = `${used}, key exchange ${groups.join(", ")}`
  return problem === undefined ? text : `${text}; NOT taken over: ${problem}`
}

interface Witnesses {
  readonly size: number
  readonly ageSeconds?: number
  readonly behind: boolean
  readonly each: readonly { readonly name: string; readonly state: string }[]
}

function describeWitnesses(witnesses: Witnesses | undefined): string {
  if (witnesses === undefined) return "no witnesses are configured"
  const { size, ageSeconds, behind, each } = witnesses
  const age = ageSeconds === undefined ? "never" : `${ageSeconds} seconds ago`
  const names = each.map(({ name, state }) => `${name} ${state}`).join(", ")
  return `${size} entries, ${age}${behind ? ", BEHIND" : ""} (${names})`
}
