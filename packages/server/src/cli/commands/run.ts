import type { Problem } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { askReason } from "../asked-reason.ts"
import { runChild } from "../child-command.ts"
import { Ending } from "../exit-code.ts"
import { helpGroups } from "../help-group.ts"
import { findInvoker } from "../invoker.ts"
import type { CommandIo } from "../io.ts"
import { profileOption } from "../options.ts"
import { printable } from "../printable.ts"
import { deliverLeftovers, openRunSpool } from "../run-spool.ts"
import { TerminalRecorder } from "../terminal-recording.ts"
import { ToldCommand } from "../told-command.ts"

interface Flags {
  readonly profile: string
  readonly reason?: string
  readonly ticket?: string
  readonly record?: true
  readonly whenDown: "refuse" | "spool"
}

const reasonCharactersMax = 1000
const closeMs = 5_000
/** Where the port did not answer at the start. */
const closeDownMs = 1_000

export function registerRun(program: Command, io: CommandIo): void {
  program
    .command("run")
    .helpGroup(helpGroups.everyDay)
    .summary("run a command and record who ran it, where and why")
    .description(
      "Records who starts what where and why, durably before it starts, and how it ended. Its input, output and exit code are its own.",
    )
    .argument("<command...>", "behind --: the command with its arguments, as they are")
    .addOption(profileOption())
    .option("--reason <text>", "why; asked for at the terminal if neither is given")
    .option("--ticket <id>", "why, as the name of a ticket")
    .option("--record", "keep what the terminal shows, sealed (needs script of util-linux)")
    .addOption(
      new Option(
        "--when-down <what>",
        "refuse: start nothing that cannot be recorded; spool: record it here until the port is back",
      )
        .choices(["refuse", "spool"])
        .default("refuse"),
    )
    .addHelpText("after", examples)
    .action(async (argv: string[], flags: Flags) => {
      await runCommand(argv, flags, io)
    })
}

const examples = `
Arguments are recorded as they are, but for what the port's policy takes out of them: give secrets by a file or a variable.

Examples:
  postern run --profile writer.yaml -- psql --host db.internal billing
  postern run --profile writer.yaml --ticket OPS-4711 -- kubectl delete pod shop-0
  postern run --profile writer.yaml --reason 'disk full' --record -- ssh db1`

async function runCommand(argv: readonly string[], flags: Flags, io: CommandIo): Promise<void> {
  const reason = reasonOf(flags)
  const recorder = flags.record === true ? new TerminalRecorder(io.now().getTime()) : undefined
  try {
    const end = await recorded(argv, reason, recorder, flags, io)
    if (end !== 0) throw new Ending(end)
  } finally {
    recorder?.remove()
  }
}

/** Errors: USAGE if nobody can be asked. */
function reasonOf({ reason, ticket }: Flags): { text?: string; ticket?: string } {
  if (reason?.trim() === "" || ticket?.trim() === "") {
    throw new PosternError("USAGE", "a reason or a ticket is some text")
  }
  if (reason === undefined && ticket === undefined) return checked({ text: askReason() })
  return checked({
    ...(reason === undefined ? {} : { text: reason }),
    ...(ticket === undefined ? {} : { ticket }),
  })
}

function checked<T extends { readonly text?: string; readonly ticket?: string }>(reason: T): T {
  const { text = "", ticket = "" } = reason
  if (Math.max(text.length, ticket.length) <= reasonCharactersMax) return reason
  throw new PosternError("USAGE", `a reason has at most ${reasonCharactersMax} characters`)
}

async function recorded(
  argv: readonly string[],
  reason: { readonly text?: string; readonly ticket?: string },
  recorder: TerminalRecorder | undefined,
  flags: Flags,
  io: CommandIo,
): Promise<number> {
  const maySpool = flags.whenDown === "spool"
  const problems: Problem[] = []
  let tellAway: ((away: false) => void) | undefined
  const away = new Promise<false>((resolve) => {
    tellAway = resolve
  })
  // The terminal belongs to the command meanwhile: what went wrong is said when it has ended.
  const onProblem = (problem: Problem): void => {
    problems.push(problem)
    if (problem.code === "UNREACHABLE") tellAway?.(false)
  }
  const spools = await openRunSpool(flags.profile, { wait: !maySpool, onProblem })
  const { audit, place } = spools
  let patienceMs = closeMs
  try {
    const facts = { argv, cwd: process.cwd(), invoker: findInvoker(io), reason }
    const told = new ToldCommand(spools, facts)
    if (!(await told.start(maySpool, away))) {
      io.note("postern: the port does not answer; the start is recorded in the spool")
      patienceMs = closeDownMs
    }
    problems.length = 0
    const startedMs = performance.now()
    const end = await runChild(recorder?.commandLine(argv) ?? argv, io.env)
    const recording = recorder?.read(process.stdout.columns || 80, process.stdout.rows || 24)
    tellEnd(() => told.end(end, Math.round(performance.now() - startedMs), recording), io)
    if (end.problem !== undefined) {
      io.note(printable(`postern: ${argv[0]} could not be started (${end.problem})`))
    }
    return end.exitCode
  } finally {
    await audit.close(patienceMs)
    await settle(audit.status().pendingEvents, place, problems, flags.profile, io)
  }
}

/** The command has ended: its exit code counts, whatever becomes of the entry. */
function tellEnd(tell: () => void, io: CommandIo): void {
  try {
    tell()
  } catch (error) {
    if (!isPosternError(error)) throw error
    io.note(printable(`postern: the end is not recorded: ${error.message} (${error.code})`))
  }
}

async function settle(
  pending: number,
  place: number,
  problems: readonly Problem[],
  profile: string,
  io: CommandIo,
): Promise<void> {
  if (pending > 0) {
    io.note(`postern: ${pending} events wait in the spool and go with the next command`)
  } else {
    await deliverLeftovers(profile, place)
  }
  for (const { code, message } of problems) {
    if (code !== "UNREACHABLE") io.note(printable(`postern: ${message} (${code})`))
  }
}
