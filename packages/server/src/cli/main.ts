import { readFileSync } from "node:fs"
import { PosternError } from "@postern/log/base"
import { Command, CommanderError } from "commander"
import { registerAccess } from "./commands/access.ts"
import { registerAgent } from "./commands/agent.ts"
import { registerAlert } from "./commands/alert.ts"
import { registerAnchor } from "./commands/anchor.ts"
import { registerCompletion } from "./commands/completion.ts"
import { registerConnect } from "./commands/connect.ts"
import { registerConsole } from "./commands/console.ts"
import { registerConvert } from "./commands/convert.ts"
import { registerDoctor } from "./commands/doctor.ts"
import { registerErase } from "./commands/erase.ts"
import { registerEvidence } from "./commands/evidence.ts"
import { registerFirewall } from "./commands/firewall.ts"
import { registerFormats } from "./commands/formats.ts"
import { registerInit } from "./commands/init.ts"
import { registerInstall } from "./commands/install.ts"
import { registerKey } from "./commands/key.ts"
import { registerLog } from "./commands/log.ts"
import { registerManual } from "./commands/manual.ts"
import { registerMirror } from "./commands/mirror.ts"
import { registerMonitor } from "./commands/monitor.ts"
import { registerPki } from "./commands/pki.ts"
import { registerPolicy } from "./commands/policy.ts"
import { registerPort } from "./commands/port.ts"
import { registerReader } from "./commands/reader.ts"
import { registerRetention } from "./commands/retention.ts"
import { registerRun } from "./commands/run.ts"
import { registerSearch } from "./commands/search.ts"
import { registerIndex } from "./commands/search-index.ts"
import { registerSend } from "./commands/send.ts"
import { registerServe } from "./commands/serve.ts"
import { registerShow } from "./commands/show.ts"
import { registerStatus } from "./commands/status.ts"
import { registerSubject } from "./commands/subject.ts"
import { registerTail } from "./commands/tail.ts"
import { registerTop } from "./commands/top.ts"
import { registerVerify } from "./commands/verify.ts"
import { registerWitness } from "./commands/witness.ts"
import { registerWriter } from "./commands/writer.ts"
import { registerWriters } from "./commands/writers.ts"
import { Ending, exitCodes } from "./exit-code.ts"
import { describeFailure, formatFailure } from "./failure.ts"
import { type CommandIo, processIo } from "./io.ts"

/** Each command puts itself into the program; the order is the order of the help. */
const registers: readonly ((program: Command, io: CommandIo) => void)[] = [
  registerInit,
  registerServe,
  registerInstall,
  registerStatus,
  registerConnect,
  registerFormats,
  registerConvert,
  registerWriter,
  registerReader,
  registerAccess,
  registerPolicy,
  registerRetention,
  registerSubject,
  registerErase,
  registerWitness,
  registerKey,
  registerPki,
  registerPort,
  registerFirewall,
  registerConsole,
  registerSend,
  registerAgent,
  registerRun,
  registerTail,
  registerSearch,
  registerShow,
  registerWriters,
  registerTop,
  registerVerify,
  registerDoctor,
  registerEvidence,
  registerAnchor,
  registerLog,
  registerIndex,
  registerMirror,
  registerMonitor,
  registerAlert,
  registerManual,
  registerCompletion,
]

/**
 * The command line without the process around it: arguments (after `postern`) to an exit code.
 * Never throws; what went wrong is said on stderr in exactly two lines, `postern: error:` and
 * `postern: hint:`.
 */
export async function run(argv: readonly string[], io: CommandIo = processIo()): Promise<number> {
  const program = makeProgram(io)
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

function makeProgram(io: CommandIo): Command {
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
  for (const register of registers) register(program, io)
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
