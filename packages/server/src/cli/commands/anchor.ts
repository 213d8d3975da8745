import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { dataDirectories, loadConfig } from "../../config/index.ts"
import { type Anchor, Anchors } from "../../guard/anchor/index.ts"
import { everyLogKey } from "../../guard/keys/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption } from "../options.ts"
import { printable } from "../printable.ts"
import { openReadPort } from "../read-port-tiles.ts"
import { formatTable } from "../table.ts"
import { learnedKeys } from "../verify-target.ts"

interface Flags {
  readonly config?: string
  readonly profile?: string
  readonly json?: true
}

/** Whose checkpoints are stamped, and where the stamps are kept. */
interface Place {
  readonly anchors: Anchors
  newest(): Promise<string>
}

const answerBytesMax = 65_536

export function registerAnchor(program: Command, io: CommandIo): void {
  const anchor = program
    .command("anchor")
    .helpGroup(helpGroups.check)
    .summary("have checkpoints stamped by a time authority (RFC 3161)")
    .description(
      "A time stamp of somebody else over a checkpoint: everything in the log up to there was there at that time. Works " +
        "without a network: a request is a file to carry to the authority, its answer a file to bring back.",
    )
    .addHelpText("after", examples)
  const places = (command: Command): Command =>
    command
      .addOption(
        new Option("--config <file>", "postern.yaml: stamps are kept in its data/anchors").env(
          "POSTERN_CONFIG",
        ),
      )
      .option("--profile <file>", "a reader's profile: stamps are kept beside it")
      .addOption(jsonOption())
  places(anchor.command("request"))
    .summary("write a request for the newest checkpoint")
    .action(async (flags: Flags) => request(flags, io))
  places(anchor.command("accept <answer>"))
    .summary("take the answer to a request")
    .action(async (answer: string, flags: Flags) => accept(answer, flags, io))
  places(anchor.command("list"))
    .summary("list what is stamped, and how to check the authority's signature")
    .action(async (flags: Flags) => list(flags, io))
}

const examples = `
Examples:
  postern anchor request --config audit/postern.yaml
  curl -H "Content-Type: application/timestamp-query" --data-binary @audit/data/anchors/812.tsq https://tsa.example/ -o answer.tsr
  postern anchor accept answer.tsr --config audit/postern.yaml
  openssl ts -verify -data audit/data/anchors/812.text -in audit/data/anchors/812.tsr -CAfile authority.pem`

async function request(flags: Flags, io: CommandIo): Promise<void> {
  const { anchors, newest } = placeOf(flags)
  const nonce = new Uint8Array(randomBytes(8))
  const made = await anchors.request(await newest(), nonce)
  if (flags.json) return io.line(JSON.stringify(made))
  io.line(`${made.requestFile} asks for a time stamp of the first ${made.size} entries`)
  io.note(
    "postern: carry it to an authority, for example: curl -H 'Content-Type: application/timestamp-query' " +
      `--data-binary @${made.requestFile} https://AUTHORITY/ -o answer.tsr; then: postern anchor accept answer.tsr`,
  )
}

async function accept(file: string, flags: Flags, io: CommandIo): Promise<void> {
  const answer = readFileSync(file)
  if (answer.length > answerBytesMax)
    throw new PosternError("ANCHOR_INVALID", `${file} is too long`)
  const taken = await placeOf(flags).anchors.accept(new Uint8Array(answer))
  if (flags.json) return io.line(JSON.stringify({ ...taken, signature: "unknown" }))
  io.line(`the first ${taken.size} entries were there at ${taken.time}, says the authority`)
  io.note(`postern: its signature was not checked here: ${checkOf(taken)}`)
}

async function list(flags: Flags, io: CommandIo): Promise<void> {
  const anchors = await placeOf(flags).anchors.list()
  if (flags.json) {
    return io.line(JSON.stringify(anchors.map((one) => ({ ...one, signature: "unknown" }))))
  }
  const rows = anchors.map((one) => [
    String(one.size),
    one.time ?? "no answer yet",
    one.time === undefined ? "" : printable(checkOf(one)),
  ])
  io.line(formatTable(["entries", "there at", "to check the signature"], rows, { color: io.color }))
}

function checkOf({ textFile, answerFile }: Anchor): string {
  return `openssl ts -verify -data ${textFile} -in ${answerFile} -CAfile AUTHORITY.pem`
}

function placeOf({ config, profile }: Flags): Place {
  if (profile !== undefined) {
    const reader = loadProfile(profile)
    const directory = `${profile.replace(/\.ya?ml$/, "")}.anchors`
    return {
      anchors: new Anchors(directory, [
        reader.log.vkey,
        ...learnedKeys(profile, reader.log.origin),
      ]),
      newest: async () => {
        const port = openReadPort(reader)
        return port.checkpoint().finally(() => port.close())
      },
    }
  }
  if (config === undefined) throw new PosternError("USAGE", "--config or --profile is needed")
  const loaded = loadConfig(config)
  return {
    anchors: new Anchors(join(loaded.data, "anchors"), everyLogKey(loaded)),
    newest: async () => readCheckpoint(join(dataDirectories(loaded).log, "checkpoint")),
  }
}

function readCheckpoint(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    throw new PosternError("NOT_FOUND", `${file}: nothing has been signed yet`, { cause })
  }
}
