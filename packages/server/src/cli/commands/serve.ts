import { resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { type Config, formatHostPort, loadConfig, needsCourier } from "../../config/index.ts"
import { type ProcessName, parseProcessName, Supervisor } from "../../supervisor/index.ts"
import { Examinations } from "../examinations.ts"
import { FirewallWatch } from "../firewall-watch.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { collectList, configOption } from "../options.ts"
import { Renewals } from "../renewals.ts"
import { ReviewDeadlines } from "../review-deadlines.ts"

export function registerServe(program: Command, io: CommandIo): void {
  program
    .command("serve")
    .helpGroup(helpGroups.everyDay)
    .summary("run the port, the reader and the courier")
    .description(
      "Runs the service until SIGTERM or Ctrl-C; SIGHUP reads access list and certificates again.",
    )
    .addOption(configOption())
    .option(
      "--only <process>",
      "run port, reader or courier alone, under a user of its own",
      collectList,
    )
    .addHelpText("after", examples)
    .action(async (options: { config: string; only?: string[] }) => {
      await serve(options, io)
    })
}

const examples = `
Examples:
  postern serve --config audit/postern.yaml
  postern serve --config /etc/postern/postern.yaml --only port`

async function serve(options: { config: string; only?: string[] }, io: CommandIo): Promise<void> {
  const config = loadConfig(resolve(options.config))
  const all: ProcessName[] = ["port", "reader"]
  if (needsCourier(config)) all.push("courier")
  const names = options.only?.map(parseProcessName) ?? all
  await runProcesses(config, names, io)
}

/** Runs these processes until a signal ends them. Errors: CONFIG_INVALID if one of them could not start. */
export async function runProcesses(
  config: Config,
  names: readonly ProcessName[],
  io: CommandIo,
): Promise<void> {
  const supervisor = new Supervisor(config.file, {
    note: (text) => io.note(`postern: ${text}`),
    ready: (name) => {
      if (name === "courier") return io.note("postern: courier ready")
      const { write, read } = config.listen
      const addresses = (name === "port" ? write : read).map(formatHostPort).join(", ")
      io.note(`postern: ${name} ready on ${addresses}`)
    },
  })
  const renewals = new Renewals(config, names, {
    now: () => io.now(),
    note: (text) => io.note(`postern: ${text}`),
  })
  await renewals.start()
  const examinations = new Examinations(config.file, io)
  const firewall = new FirewallWatch(config.file, io, () => examinations.examine())
  if (names.includes("port") && names.includes("reader")) {
    examinations.start()
    firewall.start()
  }
  const deadlines = new ReviewDeadlines(config, io, () => supervisor.reload())
  if (names.includes("port")) deadlines.start()
  process.on("SIGHUP", () => supervisor.reload())
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => supervisor.stop())
  const status = await supervisor.run(names)
  renewals.stop()
  examinations.stop()
  firewall.stop()
  deadlines.stop()
  // The process that gave up has said why, in a line of its own.
  if (status !== 0)
    throw new PosternError("CONFIG_INVALID", "a process could not start, see its message above")
}
