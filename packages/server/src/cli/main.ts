import { readFileSync } from "node:fs"
import { PosternError } from "@postern/log/base"
import { Command, CommanderError } from "commander"
import { Ending, exitCodes } from "./exit-code.ts"
import { describeFailure, formatFailure } from "./failure.ts"
import { type CommandIo, processIo } from "./io.ts"

type Register = (program: Command, io: CommandIo) => void

/**
 * Each command puts itself into the program; the order is the order of the help. One that is named comes alone: the code of all of
 * them takes five times as long to load as that of `search`.
 */
const commands = new Map<string, () => Promise<Register>>(
  Object.entries({
    init: async () => (await import("./commands/init.ts")).registerInit,
    serve: async () => (await import("./commands/serve.ts")).registerServe,
    install: async () => (await import("./commands/install.ts")).registerInstall,
    status: async () => (await import("./commands/status.ts")).registerStatus,
    connect: async () => (await import("./commands/connect.ts")).registerConnect,
    formats: async () => (await import("./commands/formats.ts")).registerFormats,
    convert: async () => (await import("./commands/convert.ts")).registerConvert,
    writer: async () => (await import("./commands/writer.ts")).registerWriter,
    reader: async () => (await import("./commands/reader.ts")).registerReader,
    access: async () => (await import("./commands/access.ts")).registerAccess,
    policy: async () => (await import("./commands/policy.ts")).registerPolicy,
    retention: async () => (await import("./commands/retention.ts")).registerRetention,
    subject: async () => (await import("./commands/subject.ts")).registerSubject,
    erase: async () => (await import("./commands/erase.ts")).registerErase,
    witness: async () => (await import("./commands/witness.ts")).registerWitness,
    key: async () => (await import("./commands/key.ts")).registerKey,
    pki: async () => (await import("./commands/pki.ts")).registerPki,
    port: async () => (await import("./commands/port.ts")).registerPort,
    firewall: async () => (await import("./commands/firewall.ts")).registerFirewall,
    console: async () => (await import("./commands/console.ts")).registerConsole,
    send: async () => (await import("./commands/send.ts")).registerSend,
    agent: async () => (await import("./commands/agent.ts")).registerAgent,
    run: async () => (await import("./commands/run.ts")).registerRun,
    tail: async () => (await import("./commands/tail.ts")).registerTail,
    search: async () => (await import("./commands/search.ts")).registerSearch,
    show: async () => (await import("./commands/show.ts")).registerShow,
    writers: async () => (await import("./commands/writers.ts")).registerWriters,
    top: async () => (await import("./commands/top.ts")).registerTop,
    verify: async () => (await import("./commands/verify.ts")).registerVerify,
    doctor: async () => (await import("./commands/doctor.ts")).registerDoctor,
    evidence: async () => (await import("./commands/evidence.ts")).registerEvidence,
    anchor: async () => (await import("./commands/anchor.ts")).registerAnchor,
    log: async () => (await import("./commands/log.ts")).registerLog,
    index: async () => (await import("./commands/search-index.ts")).registerIndex,
    mirror: async () => (await import("./commands/mirror.ts")).registerMirror,
    monitor: async () => (await import("./commands/monitor.ts")).registerMonitor,
    alert: async () => (await import("./commands/alert.ts")).registerAlert,
    manual: async () => (await import("./commands/manual.ts")).registerManual,
    completion: async () => (await import("./commands/completion.ts")).registerCompletion,
  }),
)
/** They tell of all the others. */
const tellOfAll = new Set(["manual", "completion"])

/**
 * The command line without the process around it: arguments (after `postern`) to an exit code.
 * Never throws; what went wrong is said on stderr in exactly two lines, `postern: error:` and
 * `postern: hint:`.
 */
export async function run(argv: readonly string[], io: CommandIo = processIo()): Promise<number> {
  const program = await makeProgram(argv, io)
  try {
    if (argv.length === 0) program.outputHelp()
    else await program.parseAsync([...argv], { from: "user" })
    return exitCodes.ok
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok // --help
    if (error instanceof Ending) return error.exitCode
    const failure =
      error instanceof CommanderError
        ? usageFailure(error, commandPath(program, argv))
        : describeFailure(error)
    io.stderr.write(formatFailure(failure))
    if (io.env.POSTERN_DEBUG === "1" && error instanceof Error) io.note(stackOf(error))
    return failure.exitCode
  }
}

async function makeProgram([name = ""]: readonly string[], io: CommandIo): Promise<Command> {
  const program = new Command("postern")
    .description("Postern, the internal port for audit logs.")
    .version(`postern ${readVersion()}`, "--version", "print the version")
    .helpOption("-h, --help", "what a command does, with examples")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // Commander's own words for errors are turned into our two lines.
      writeErr: () => undefined,
      getOutHasColors: () => io.color,
    })
    .addHelpText("after", environment)
  const named = tellOfAll.has(name) ? undefined : commands.get(name)
  const needed = named === undefined ? [...commands.values()] : [named]
  for (const register of await Promise.all(needed.map((load) => load()))) register(program, io)
  return program
}

const environment = `
Environment: POSTERN_CONFIG and POSTERN_PROFILE stand for --config and --profile; NO_COLOR.
Exit codes: 0 done, 1 failed, 2 not understood, 3 verification failed, 4 unreachable, 5 denied,
  10 and 11 verdicts of \`verify\` on evidence, 78 configuration.`

function usageFailure(error: CommanderError, path: string) {
  const message =
    error.code === "commander.help"
      ? "a subcommand is missing"
      : (error.message.split("\n")[0] ?? "").replace(/^error: /, "")
  const suggestion = /\(Did you mean (.*)\?\)/.exec(error.message)?.[1]
  const help = `${path} --help`
  const { exitCode, message: text } = describeFailure(new PosternError("USAGE", message))
  const hint = suggestion === undefined ? help : `did you mean ${suggestion}? Otherwise: ${help}`
  return { message: text, hint, exitCode }
}

/** `postern writer add` for the arguments `writer add --nonsense`. */
function commandPath(program: Command, argv: readonly string[]): string {
  let command = program
  let path = program.name()
  for (const word of argv) {
    const next = command.commands.find((one) => one.name() === word)
    if (next === undefined) break
    command = next
    path += ` ${word}`
  }
  return path
}

function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8")
  return String((JSON.parse(text) as { version?: unknown }).version)
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : ""
  return `${error.stack ?? error.message}${cause}`
}
