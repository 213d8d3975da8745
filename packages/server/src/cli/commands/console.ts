import { createInterface } from "node:readline"
import { isPosternError } from "@postern/log/base"
import type { Command } from "commander"
import { type Door, openDoor } from "../../door/index.ts"
import { openProfileUpstream } from "../console-upstream.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { openBrowser } from "../open-browser.ts"
import { profileOption, wholeNumber } from "../options.ts"

interface Options {
  readonly profile: string
  readonly port?: number
  readonly open: boolean
}

/** Next to the ports of the service; a stable address can be kept as a bookmark. */
const usualPort = 17518

export function registerConsole(program: Command, io: CommandIo): void {
  program
    .command("console")
    .helpGroup(helpGroups.everyDay)
    .summary("the console in a browser, through a door on 127.0.0.1")
    .description(
      "Opens the console in a browser that has no certificate: a door on 127.0.0.1 asks the read port under this profile, " +
        "until Ctrl-C. The printed link works once, within two minutes; Enter prints a fresh one.",
    )
    .addOption(profileOption())
    .option(
      "--port <number>",
      `on 127.0.0.1; 0 takes a free one (default: ${usualPort}, or a free one if it is taken)`,
      wholeNumber("--port", 0, 65_535),
    )
    .option("--no-open", "print the link only")
    .addHelpText("after", examples)
    .action(async (options: Options) => {
      await runConsole(options, io)
    })
}

const examples = `
What the browser may see is what the profile's grant says; every question is recorded under its name.

Examples:
  postern console --profile reader.yaml
  postern console --profile reader.yaml --no-open --port 8080`

async function runConsole(options: Options, io: CommandIo): Promise<void> {
  const upstream = openProfileUpstream(options.profile, (text) => io.note(text))
  const door = await open(options.port, (port) =>
    openDoor({ port, upstream, elapsedMs: () => performance.now() }),
  )
  const stopping = stopped()
  const link = door.link()
  io.line(`Open: ${link}`)
  io.note("postern: the link works once, within two minutes; Enter prints a fresh one, Ctrl-C ends")
  if (options.open) openBrowser(link, io.env)
  const lines = createInterface(io.stdin)
  lines.on("line", () => io.line(`Open: ${door.link()}`))
  await stopping
  lines.close()
  await door.close()
}

/** The usual port may be taken, by a door of another profile for one; the one that was asked for must not be. */
async function open(port: number | undefined, at: (port: number) => Promise<Door>): Promise<Door> {
  if (port !== undefined) return at(port)
  try {
    return await at(usualPort)
  } catch (error) {
    if (!isPosternError(error) || error.code !== "ADDRESS_IN_USE") throw error
    return at(0)
  }
}

async function stopped(): Promise<void> {
  const signals = ["SIGINT", "SIGTERM"] as const
  await new Promise<void>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve())
  })
}
