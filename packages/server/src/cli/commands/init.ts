import { relative } from "node:path"
import type { Command } from "commander"
import { type InitOptions, type Installation, initDirectory } from "../../guard/setup/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { collectList, jsonOption, wholeNumber } from "../options.ts"

interface Options {
  readonly origin?: string
  readonly host?: readonly string[]
  readonly writePort?: number
  readonly readPort?: number
  readonly opsPort?: number
  readonly json?: true
}

export function registerInit(program: Command, io: CommandIo): void {
  const port = (name: string) => wholeNumber(name, 1, 65_535)
  program
    .command("init")
    .helpGroup(helpGroups.setUp)
    .summary("make a directory to serve from")
    .description(
      "Makes DIR: configuration, access list, policy, CA, certificates, signing keys, profiles.",
    )
    .argument("<dir>", "directory; nothing in it is overwritten")
    .option("--origin <name>", "name of the log, for ever (default: postern.local/audit)")
    .option(
      "--host <name>",
      "name or address of this machine, repeatable (default: loopback only)",
      collectList,
    )
    .option("--write-port <port>", "port for writers (default: 17514)", port("--write-port"))
    .option("--read-port <port>", "port for readers (default: 17515)", port("--read-port"))
    .option("--ops-port <port>", "port for health and metrics (default: 17516)", port("--ops-port"))
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (directory: string, options: Options) => {
      const made = await initDirectory(initOptions(directory, options, io))
      if (options.json) return io.line(JSON.stringify(summary(made)))
      io.line(describe(made))
    })
}

const examples = `
Examples:
  postern init audit
  postern init /etc/postern --origin example.com/audit --host audit.example.com --host 10.0.0.5`

function initOptions(directory: string, options: Options, io: CommandIo): InitOptions {
  const { writePort, readPort, opsPort } = options
  return {
    directory,
    ...(options.origin === undefined ? {} : { origin: options.origin }),
    ...(options.host === undefined ? {} : { hosts: options.host }),
    ports: {
      ...(writePort === undefined ? {} : { write: writePort }),
      ...(readPort === undefined ? {} : { read: readPort }),
      ...(opsPort === undefined ? {} : { ops: opsPort }),
    },
    now: io.now(),
  }
}

function summary(made: Installation) {
  const { directory, config, profiles, vkey, files } = made
  return { directory, config: config.file, origin: config.origin, vkey, profiles, files }
}

function describe(made: Installation): string {
  const near = (path: string) => {
    const short = relative(process.cwd(), path)
    return short === "" || short.startsWith("..") ? path : short
  }
  const config = near(made.config.file)
  return `${near(made.directory)}: ready (log ${made.config.origin})
  postern.yaml   what to serve and where
  access.yaml    who may write, read and operate
  policy.yaml    what is kept of their events
  profiles/      writer.yaml, reader.yaml, operator.yaml: one connection each, private key inside
  pki/           CA, certificates, signing keys; keep ca.key and log.key where nobody else gets
  data/          the log, later

verifier key, for everybody who checks this log:
  ${made.vkey}

next:
  postern serve --config ${config}
  postern writer add NAME --config ${config}
  postern send --profile ${near(made.profiles.writer)} < events.ndjson
  postern tail --profile ${near(made.profiles.reader)}
  postern verify --profile ${near(made.profiles.reader)}`
}
