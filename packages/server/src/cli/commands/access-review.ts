import { mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { parseAccess } from "../../access/index.ts"
import { signStatement } from "../../approval/index.ts"
import { type Config, loadConfig, readTextFile } from "../../config/index.ts"
import {
  applyCampaign,
  makeCampaign,
  parseCampaign,
  type Reviewed,
  readUsage,
  reviewState,
  reviewsDirectory,
} from "../../guard/access/index.ts"
import { changeFile, createFile, profilesDirectory } from "../../guard/setup/index.ts"
import { adminClient } from "../admin-client.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import type { CommandIo } from "../io.ts"
import { applyAccess } from "../live-access.ts"
import { configOption, jsonOption, wholeNumber } from "../options.ts"
import { openRememberingReader } from "../remembering-reader.ts"
import { endUnanswered } from "../review-deadlines.ts"

const examples = `
Examples:
  postern access review start --config audit/postern.yaml --profile reader.yaml
  postern access review apply audit/reviews/2026-11-22.yaml --config audit/postern.yaml
  postern access review status --config audit/postern.yaml`

const dayMs = 86_400_000

export function registerReview(access: Command, io: CommandIo): void {
  const review = access
    .command("review")
    .summary("ask, entry by entry, who still needs what")
    .description(
      "Reviews of the access list: a file to fill in, carried out, signed and written to the log.",
    )
    .addHelpText("after", examples)
  startCommand(review, io)
  applyCommand(review, io)
  expireCommand(review, io)
  statusCommand(review, io)
}

interface StartFlags {
  readonly config: string
  readonly profile?: string
  readonly usageDays: number
  readonly days: number
  readonly nextDays: number
}

function startCommand(review: Command, io: CommandIo): void {
  review
    .command("start")
    .summary("write the file to fill in")
    .description(
      "Writes reviews/DAY.yaml beside access.yaml: every identity with owner, last use and what is odd about it.",
    )
    .addOption(configOption())
    .addOption(
      new Option("--profile <file>", "a reader's profile: last use, from the log").env(
        "POSTERN_PROFILE",
      ),
    )
    .option(
      "--usage-days <n>",
      "how far back use is looked for",
      wholeNumber("--usage-days", 1, 3650),
      90,
    )
    .option("--days <n>", "until the deadline", wholeNumber("--days", 1, 365), 14)
    .option(
      "--next-days <n>",
      "until the next review is due",
      wholeNumber("--next-days", 1, 3650),
      91,
    )
    .addHelpText("after", examples)
    .action(async (flags: StartFlags) => {
      const config = loadConfig(flags.config)
      const nowMs = io.now().getTime()
      const day = (days: number) => new Date(nowMs + days * dayMs).toISOString().slice(0, 10)
      const list = parseAccess(readTextFile(config.access))
      const since = new Date(nowMs - flags.usageDays * dayMs)
      const reader =
        flags.profile === undefined ? undefined : openRememberingReader(flags.profile, io)
      try {
        const text = makeCampaign(list, reader && (await readUsage(reader, list, since)), {
          origin: config.origin,
          ...{ began: day(0), deadline: day(flags.days), next: day(flags.nextDays) },
          usageSince: reader && since.toISOString(),
        })
        const file = join(reviewsDirectory(config), `${day(0)}.yaml`)
        mkdirSync(dirname(file), { recursive: true })
        createFile(file, text, 0o644)
        io.line(file)
      } finally {
        reader?.close()
      }
      io.note(
        `postern: fill it in, then: postern access review apply; what is unanswered expires on ${day(flags.days)}`,
      )
    })
}

function applyCommand(review: Command, io: CommandIo): void {
  review
    .command("apply")
    .summary("carry the answers out, sign the result and write it to the log")
    .description(
      "Ends what was revoked, lets what is unanswered expire at the deadline, and has the running service take it over. Doing it again is harmless.",
    )
    .argument("<file>", "the review, filled in")
    .addOption(configOption())
    .option(
      "--operator <file>",
      "operator's profile, which signs (default: profiles/operator.yaml)",
    )
    .addHelpText("after", examples)
    .action(async (file: string, flags: { config: string; operator?: string }) => {
      const config = loadConfig(flags.config)
      const filled = readTextFile(file)
      const campaign = parseCampaign(filled, file)
      if (campaign.origin !== config.origin)
        throw new PosternError("USAGE", `the review is about ${campaign.origin}`)
      const reviewed = carryOut(config, file, filled, io.now())
      const profile = flags.operator ?? join(profilesDirectory(config), "operator.yaml")
      const state = await applyAccess({ config, profile })
      if (state === "at-start")
        throw new PosternError(
          "UNREACHABLE",
          "the list is changed; apply again when the service runs, so that the log hears of it",
        )
      await sign(config, { file, profile, due: campaign.next, reviewed }, io)
      const { certified, revoked, changed, expired } = reviewed
      io.line(
        `certified ${certified}, revoked ${revoked}, changed ${changed}, left to expire on ${campaign.deadline} ${expired}`,
      )
      io.note(`postern: signed and in the log; the next review is due on ${campaign.next}`)
    })
}

function carryOut(config: Config, file: string, filled: string, now: Date): Reviewed {
  let reviewed: Reviewed | undefined
  changeFile(config.access, () => {
    reviewed = applyCampaign(file, filled, readTextFile(config.access), now)
    return reviewed.text
  })
  if (reviewed === undefined) throw new Error("invariant broken: a change was made")
  return reviewed
}

interface Signing {
  readonly file: string
  readonly profile: string
  readonly due: string
  readonly reviewed: Reviewed
}

async function sign(config: Config, signing: Signing, io: CommandIo): Promise<void> {
  const profile = loadProfile(signing.profile)
  const { text, certified, revoked, changed, expired, result } = signing.reviewed
  const statement = signStatement(
    {
      kind: "review-access",
      origin: config.origin,
      time: `${io.now().toISOString().slice(0, 19)}Z`,
      fields: {
        ...{ list: parseAccess(text).digest, result },
        ...{ certified: `${certified}`, revoked: `${revoked}` },
        ...{ changed: `${changed}`, expired: `${expired}`, due: signing.due },
      },
    },
    profile,
  )
  await adminClient(profile).review(statement)
  createFile(`${signing.file}.signed`, statement, 0o644)
}

function expireCommand(review: Command, io: CommandIo): void {
  review
    .command("expire")
    .summary("end what nobody answered, if the deadline is over")
    .description(
      "What `postern serve` does by itself once a minute; for a timer where the service may not write access.yaml. Before the deadline it does nothing.",
    )
    .addOption(configOption())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addHelpText("after", examples)
    .action(async (flags: { config: string; operator?: string }) => {
      const expiry = await endUnanswered(loadConfig(flags.config), io, flags.operator)
      for (const id of expiry?.expired ?? []) io.line(`ended ${id}`)
      if (expiry === undefined) io.note("postern: nothing is to be ended")
    })
}

function statusCommand(review: Command, io: CommandIo): void {
  review
    .command("status")
    .summary("when the next review is due")
    .description(
      "Prints ok, warn (within two weeks, or there was none yet) or overdue. Ends with 3 if it is overdue.",
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((flags: { config: string; json?: true }) => {
      const found = reviewState(loadConfig(flags.config), io.now().getTime())
      const { state, due, open } = found
      if (flags.json) io.line(JSON.stringify({ state, due: due ?? null, open: open ?? null }))
      else {
        io.line(
          `${state}: ${due === undefined ? "there was no review yet" : `the next review is due on ${due}`}`,
        )
        if (open !== undefined) io.line(`open: ${open.file}, deadline ${open.deadline}`)
      }
      if (state === "overdue") throw new Ending(exitCodes.unverified)
    })
}
