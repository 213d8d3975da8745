import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { type Format, formats, parseMapping } from "../formats/index.ts"
import type { Tell } from "../lifetime/index.ts"
import { FileSource } from "./file-source.ts"
import { Inlet } from "./inlet.ts"
import type { Outbound } from "./outbound.ts"
import type { Intake, SourceSettings } from "./settings/index.ts"
import type { Source, SourceWord } from "./source.ts"

/** The format that the settings name. Errors: CONFIG_INVALID for a mapping file that cannot be read, MAPPING_INVALID. */
export async function formatOf({ format, mapping }: SourceSettings): Promise<Format | undefined> {
  if (mapping !== undefined) {
    const { readTextFile } = await import("../config/index.ts")
    return parseMapping(readTextFile(mapping), mapping)
  }
  return format === undefined ? undefined : formats.get(format)
}

/**
 * The way in that the settings say; not started yet. Those that not every agent has are loaded when they are named: each brings along what
 * it needs, some ten megabytes. Errors: CONFIG_INVALID.
 */
export async function openSource(
  settings: SourceSettings,
  outbound: Outbound,
  tell: Tell,
): Promise<Source> {
  const { intake, name, directory } = settings
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const format = await formatOf(settings)
  if (intake.kind === "file") return new FileSource(settings, intake, format, outbound, tell)
  if (intake.kind === "http") {
    const { HttpSource } = await import("./http-source.ts")
    return new HttpSource(intake, outbound)
  }
  const inlet = (part = ""): Inlet => new Inlet(outbound, join(directory, part), tell)
  const options = { name, source: outbound.source, format }
  if (intake.kind === "forward") {
    const { ForwardSource } = await import("./forward-source.ts")
    return new ForwardSource(intake.address, outbound, format)
  }
  if (intake.kind === "syslog") return openSyslog(intake, inlet, outbound, options)
  if (intake.kind === "socket") {
    const { path, framing } = intake
    const { StreamSource } = await import("./stream-source.ts")
    return new StreamSource({ path }, inlet(), { ...options, framing })
  }
  const { StdinSource } = await import("./stream-source.ts")
  return new StdinSource(process.stdin, inlet(), { ...options, framing: "lines" })
}

async function openSyslog(
  { tcp, udp }: Extract<Intake, { kind: "syslog" }>,
  inlet: (part: string) => Inlet,
  outbound: Outbound,
  options: { readonly name: string; readonly source: string; readonly format: Format | undefined },
): Promise<Source> {
  const ways: Source[] = []
  if (tcp !== undefined) {
    const { StreamSource } = await import("./stream-source.ts")
    ways.push(new StreamSource({ address: tcp }, inlet("tcp"), { ...options, framing: "octets" }))
  }
  if (udp !== undefined) {
    const { DatagramSource } = await import("./datagram-source.ts")
    ways.push(new DatagramSource(udp, inlet("udp"), outbound.source, options.format))
  }
  return together(ways)
}

/** Several ways in as one source. */
function together(ways: readonly Source[]): Source {
  return {
    over: new Promise<void>(() => undefined),
    async start() {
      for (const way of ways) await way.start()
    },
    word(): SourceWord {
      const words = ways.map((way) => way.word())
      const state = words.some(({ state }) => state === "full") ? "full" : "reading"
      const problem = words.find((word) => word.problem !== undefined)?.problem
      const connections = words.reduce((sum, word) => sum + (word.connections ?? 0), 0)
      return { state, problem, connections, places: words.flatMap(({ places = [] }) => places) }
    },
    async stop() {
      for (const way of ways) await way.stop()
    },
  }
}
