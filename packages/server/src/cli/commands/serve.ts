import { resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { type Config, formatHostPort, loadConfig, needsCourier } from "../../config/index.ts"
import { type ProcessName, parseProcessName, Supervisor } from "../../supervisor/index.ts"
import { GuardWatch, watchAlone, watchName } from "../guard-watch.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { collectList, configOption } from "../options.ts"
import { Renewals } from "../renewals.ts"

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
      "run port, reader or courier alone, under a user of its own; watch: look after those that run",
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
  postern serve --config /etc/postern/postern.yaml --only port
  postern serve --config /etc/postern/postern.yaml --only watch`

async function serve(options: { config: string; only?: string[] }, io: CommandIo): Promise<void> {
  const config = loadConfig(resolve(options.config))
  const all: ProcessName[] = ["port", "reader"]
  if (needsCourier(config)) all.push("courier")
  const { only = all } = options
  const names = only.filter((name) => name !== watchName).map(parseProcessName)
  if (names.length === 0) return watchAlone(config, io)
  await runProcesses(config, names, io, only.includes(watchName))
}

/**
 * Runs these processes until a signal ends them. Errors: CONFIG_INVALID if one of them could not start.
 * @param watches whether the service is looked after from here; one whose port and reader are both here always is
 */
export async function runProcesses(
  config: Config,
  names: readonly ProcessName[],
  io: CommandIo,
  watches = false,
): Promise<void> {
  const supervisor = new Supervisor(config.file, {
    note: (text) => io.note(`postern: ${text}`),
    ready: (name) => {
      if (name === "courier") return io.note("postern: courier ready")
      const { write, read, syslog = [] } = config.listen
      const served = name === "port" ? [...write, ...syslog] : read
      const addresses = served.map(formatHostPort).join(", ")
      io.note(`postern: ${name} ready on ${addresses}`)
    },
  })
  const renewals = new Renewals(config, names, {
    now: () => io.now(),
    note: (text) => io.note(`postern: ${text}`),
  })
  await renewals.start()
  const watch = new GuardWatch(config, io, () => supervisor.reload())
  if (watches || (names.includes("port") && names.includes("reader"))) watch.start()
  else if (names.includes("port")) watch.startDeadlines()
  process.on("SIGHUP", () => supervisor.reload())
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => supervisor.stop())
  const status = await supervisor.run(names)
  renewals.stop()
  watch.stop()
  // The process that gave up has said why, in a line of its own.
  if (status !== 0)
    throw new PosternError("CONFIG_INVALID", "a process could not start, see its message above")
}
