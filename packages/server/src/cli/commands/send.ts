import { loadProfile } from "@postern/client"
import { type ErrorCode, errorRegistry, PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { sendEvents } from "../event-sender.ts"
import { helpGroups } from "../help-group.ts"
import { readLines } from "../input-lines.ts"
import type { CommandIo } from "../io.ts"
import { sendKubernetes } from "../kubernetes-sender.ts"
import { jsonOption, profileOption } from "../options.ts"
import { printable } from "../printable.ts"
import { SendTally } from "../send-tally.ts"

interface SendFlags {
  readonly profile: string
  readonly format: "event" | "kubernetes"
  readonly json?: true
}

export function registerSend(program: Command, io: CommandIo): void {
  program
    .command("send")
    .helpGroup(helpGroups.everyDay)
    .summary("send events from standard input")
    .description("Sends the events that stand on standard input, one JSON object a line.")
    .addOption(profileOption())
    .addOption(
      new Option("--format <format>", "event: docs/spec/event.md; kubernetes: audit.k8s.io/v1")
        .choices(["event", "kubernetes"])
        .default("event"),
    )
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (flags: SendFlags) => {
      await send(flags, io)
    })
}

const examples = `
An event needs an action and an actor; id, time, source, outcome and targets are filled in where they are left out.
Ends with 0 only if every line is in the log, or the policy says that it need not be. What was sent before, and is recognised by its id, is (kubernetes).

Examples:
  echo '{"action":"door.opened","actor":"alice"}' | postern send --profile audit/profiles/writer.yaml
  postern send --profile audit/profiles/writer.yaml --format kubernetes < audit.log`

async function send(flags: SendFlags, io: CommandIo): Promise<void> {
  const profile = loadProfile(flags.profile)
  if (profile.role !== "writer") {
    throw new PosternError("PROFILE_INVALID", `it is a ${profile.role}'s, a writer's is needed`)
  }
  const tally = new SendTally(({ line, code, message }) => {
    if (!flags.json) io.note(printable(`line ${line}: ${message} (${code})`))
  })
  const lines = readLines(io.stdin)
  const note = (text: string): void => io.note(printable(`postern: ${text}`))
  try {
    if (flags.format === "event") await sendEvents(flags.profile, lines, tally, note)
    else await sendKubernetes(profile, lines, tally)
  } finally {
    report(tally, flags, io)
  }
  const [first] = tally.errors
  if (first !== undefined) {
    const detail = `${tally.refused} of ${tally.lines} events are not in the log, first line ${first.line}`
    throw new PosternError(isErrorCode(first.code) ? first.code : "EVENT_FIELD_VALUE", detail)
  }
  if (tally.unproven > 0) throw new PosternError("RECEIPT_GONE", `${tally.unproven} events`)
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorRegistry, code)
}

function report(tally: SendTally, flags: SendFlags, io: CommandIo): void {
  const { accepted, refused, duplicates, notKept, waiting, unproven, errors } = tally
  const counts = { accepted, refused, duplicates, notKept, waiting, unproven }
  if (flags.json) return io.line(JSON.stringify({ ...counts, errors }))
  const less = notKept === 0 ? "" : `, not kept by the policy ${notKept}`
  io.line(`accepted ${accepted}, refused ${refused}, duplicates ${duplicates}${less}`)
  if (waiting > 0)
    io.note(`postern: ${waiting} events wait in the spool and go first the next time`)
}
