import { resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { parseHostPort, readSecretFile, readTextFile } from "../../config/index.ts"
import {
  addWitnessedLog,
  evidenceStore,
  initWitness,
  listenWitness,
  openWitness,
  openWitnessDirectory,
} from "../../witness/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption } from "../options.ts"

export function registerWitness(program: Command, io: CommandIo): void {
  const witness = program
    .command("witness")
    .helpGroup(helpGroups.setUp)
    .summary("run a witness for logs of others")
    .description(
      "A witness cosigns checkpoints of logs that prove that they changed nothing (C2SP tlog-witness). " +
        "Run it on another machine than the log, better: in another organisation.",
    )
    .addHelpText("after", examples)
  initCommand(witness, io)
  addLogCommand(witness, io)
  serveCommand(witness, io)
}

const examples = `
Examples:
  postern witness init /var/lib/witness --name witness.example/w1
  postern witness add-log /var/lib/witness "$(cat audit/data/state/port/vkey)"
  postern witness serve /var/lib/witness --listen 10.0.0.7:17520`

function initCommand(witness: Command, io: CommandIo): void {
  witness
    .command("init")
    .summary("make a witness with a key of its own")
    .description("Makes the directory of a witness and prints its verifier key.")
    .argument("<directory>", "where it keeps its key and its memory")
    .requiredOption("--name <name>", "of the key, such as witness.example/w1")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (directory: string, flags: { name: string; json?: true }) => {
      const vkey = await initWitness(resolve(directory), flags.name)
      if (flags.json) return io.line(JSON.stringify({ directory: resolve(directory), vkey }))
      io.line(vkey)
      io.note("Never copy this directory back from a backup: a witness that forgot is retired.")
    })
}

function addLogCommand(witness: Command, io: CommandIo): void {
  witness
    .command("add-log")
    .summary("tell a witness of a log, or of one more key of it")
    .description("The witness takes it over when it starts the next time.")
    .argument("<directory>", "of the witness")
    .argument("<vkey>", "verifier key of the log")
    .option("--origin <text>", "first line of its checkpoints, if it is not the key's name")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (directory: string, vkey: string, flags: { origin?: string; json?: true }) => {
      const log = await addWitnessedLog(resolve(directory), vkey, flags.origin)
      if (flags.json) return io.line(JSON.stringify(log))
      io.line(`${log.origin}: ${log.vkeys.length} key${log.vkeys.length === 1 ? "" : "s"}`)
    })
}

interface ServeFlags {
  readonly listen: string
  readonly tlsCertificate?: string
  readonly tlsKey?: string
  readonly json?: true
}

function serveCommand(witness: Command, io: CommandIo): void {
  witness
    .command("serve")
    .summary("answer requests until SIGTERM or Ctrl-C")
    .description(
      "Serves add-checkpoint, and each log's newest cosigned checkpoint for monitors. Plain HTTP unless a certificate is given: what counts is signed.",
    )
    .argument("<directory>", "of the witness")
    .option("--listen <address>", "ADDRESS:PORT, no wildcard", "127.0.0.1:17520")
    .option("--tls-certificate <file>", "PEM, with its chain")
    .option("--tls-key <file>", "PEM, mode 0600")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((directory: string, flags: ServeFlags) => serve(resolve(directory), flags, io))
}

async function serve(path: string, flags: ServeFlags, io: CommandIo): Promise<void> {
  const address = parseHostPort(flags.listen)
  if (address === undefined) throw new PosternError("USAGE", "--listen takes ADDRESS:PORT")
  const tls = readTls(flags)
  const directory = openWitnessDirectory(path)
  const tell = (level: string, message: string, more = {}): void => {
    io.note(JSON.stringify({ time: io.now().toISOString(), level, message, ...more }))
  }
  const witness = openWitness(directory, {
    now: () => io.now().getTime(),
    tell,
    keepEvidence: evidenceStore(directory.evidenceDirectory),
  })
  const listener = await listenWitness(witness, {
    address,
    ...(tls === undefined ? {} : { tls }),
    failed: (error) => tell("error", "a request failed", { error: String(error) }),
  })
  const stopped = new Promise<void>((stop) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop())
  })
  const ready = { url: listener.url, vkey: directory.vkey, logs: [...directory.logs.keys()] }
  if (flags.json) io.line(JSON.stringify(ready))
  else io.note(`postern: witness of ${ready.logs.length} logs ready on ${ready.url}`)
  await stopped
  await listener.close()
  await witness.close()
}

function readTls(flags: ServeFlags): { certificate: string; key: string } | undefined {
  const { tlsCertificate, tlsKey } = flags
  if (tlsCertificate === undefined && tlsKey === undefined) return undefined
  if (tlsCertificate === undefined || tlsKey === undefined) {
    throw new PosternError("USAGE", "--tls-certificate and --tls-key go together")
  }
  return { certificate: readTextFile(tlsCertificate), key: readSecretFile(tlsKey) }
}
