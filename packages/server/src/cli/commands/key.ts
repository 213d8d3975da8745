import { resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import { rootKeyName } from "@postern/log/evidence"
import { isKeyName } from "@postern/log/tlog"
import { type Command, Option } from "commander"
import { loadConfig } from "../../config/index.ts"
import {
  createRootKey,
  type KeyReport,
  nameRootKey,
  type ReportedKey,
  reportKeys,
  retireLogKey,
  rotateLogKey,
} from "../../guard/keys/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { formatTable } from "../table.ts"

export function registerKey(program: Command, io: CommandIo): void {
  const key = program
    .command("key")
    .helpGroup(helpGroups.setUp)
    .summary("change the log key, or replace one that was stolen")
    .description(
      "The log key signs checkpoints, and everybody pins it. A change stands in the log itself: whoever pinned the old key learns " +
        "the new one from it (docs/operating/keys.md).",
    )
    .addHelpText("after", examples)
  listCommand(key, io)
  rootCommand(key, io)
  rotateCommand(key, io)
  retireCommand(key, io)
}

const examples = `
Examples:
  postern key list --config audit/postern.yaml
  postern key root init /media/safe/root.key --config audit/postern.yaml
  postern key rotate log --config audit/postern.yaml
  postern key retire log --config audit/postern.yaml
  postern key rotate log --config audit/postern.yaml --root /media/safe/root.key --compromised`

interface Flags {
  readonly config: string
  readonly json?: true
}

function listCommand(key: Command, io: CommandIo): void {
  key
    .command("list")
    .summary("list the keys that this log has and had")
    .description("Reads the configuration and the log's own proofs; asks nobody.")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      const report = await reportKeys(loadConfig(flags.config))
      if (flags.json) return io.line(JSON.stringify(report))
      printReport(report, io)
    })
}

const stateWords: Readonly<Record<ReportedKey["state"], string>> = {
  signs: "signs",
  "signs-too": "signs, too",
  "begins-at-next-start": "begins at the port's next start",
  "ends-at-next-start": "ends at the port's next start",
  ended: "ended",
}

function printReport({ keys, rootVkey, problem }: KeyReport, io: CommandIo): void {
  const rows = keys.map(({ vkey, state, since, bound, stolen }) => [
    vkey,
    stolen ? "was stolen" : stateWords[state],
    since === undefined ? "" : String(since),
    bound === undefined ? "" : String(bound),
  ])
  io.line(formatTable(["log key", "", "since entry", "up to size"], rows, { color: io.color }))
  if (rootVkey !== undefined) io.line(`root key: ${rootVkey}`)
  if (problem !== undefined) {
    io.note(`postern: not every change is proven for who pinned the first key: ${problem}`)
  }
}

function rootCommand(key: Command, io: CommandIo): void {
  key
    .command("root")
    .summary("the offline key that may replace a stolen log key")
    .addHelpText("after", examples)
    .command("init")
    .summary("make it, before it is needed")
    .description(
      "Makes the root key in FILE (0600): keep it away from this machine, on paper or in a safe. It signs the certificates of " +
        "log keys, never a checkpoint. Who pins it beside the log key can follow the log when that one was stolen.",
    )
    .argument("<file>", "where it is written; a medium that is carried away")
    .addOption(
      new Option("--config <file>", "postern.yaml: its rootVkey is set").env("POSTERN_CONFIG"),
    )
    .option("--origin <name>", "of the log, where its postern.yaml is not at hand")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((file: string, flags: { config?: string; origin?: string; json?: true }) => {
      const config =
        flags.origin === undefined && flags.config !== undefined
          ? loadConfig(flags.config)
          : undefined
      const origin = config?.origin ?? flags.origin
      if (origin === undefined || !isKeyName(origin)) {
        throw new PosternError("USAGE", "--config or --origin says for which log")
      }
      if (config?.rootVkey !== undefined) {
        throw new PosternError("ALREADY_EXISTS", `rootVkey in ${config.file}`)
      }
      const path = resolve(file)
      const vkey = createRootKey(path, origin)
      if (config !== undefined) nameRootKey(config, vkey)
      if (flags.json)
        return io.line(JSON.stringify({ file: path, name: rootKeyName(origin), vkey }))
      io.line(vkey)
      io.note(
        `postern: take ${path} away from here; in each trust policy, beside the log's line: log ${vkey}`,
      )
    })
}

interface RotateFlags extends Flags {
  readonly root?: string
  readonly compromised?: true
}

const purposes = ["log"]

function rotateCommand(key: Command, io: CommandIo): void {
  key
    .command("rotate")
    .summary("make a new log key; the port changes over at its next start")
    .description(
      "Makes the key beside the old one, has the old one certify it, and names both in postern.yaml. From the next start of the port " +
        "on both sign. With --root KEYFILE --compromised the root key certifies it, and the old one ends at once.",
    )
    .argument("<purpose>", "log: the key that signs checkpoints")
    .addOption(configOption())
    .option("--root <keyfile>", "the root key (postern key root init)")
    .option("--compromised", "the old key was stolen, or may have been")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (purpose: string, flags: RotateFlags) => {
      demandPurpose(purpose)
      if ((flags.root === undefined) !== (flags.compromised === undefined)) {
        throw new PosternError(
          "USAGE",
          "--root and --compromised go together: a stolen key certifies nothing",
        )
      }
      const rotation = await rotateLogKey(loadConfig(flags.config), flags.root)
      if (flags.json) return io.line(JSON.stringify(rotation))
      io.line(rotation.new.vkey)
      io.note(
        `postern: ${rotation.new.file} is the log key from the port's next start on: restart the port`,
      )
      io.note(
        `postern: then, at each witness: postern witness add-log DIRECTORY '${rotation.new.vkey}', and restart it`,
      )
      if (rotation.reason === "planned") {
        io.note(
          "postern: profiles go on working, their readers learn the new key; when all have: postern key retire log",
        )
      } else {
        io.note(
          "postern: who did not pin the root key must be given the new key by another way: readers, writers, witnesses",
        )
        io.note(
          `postern: ${rotation.old.file} is not used any more; keep it for whoever looks into the theft`,
        )
      }
    })
}

function retireCommand(key: Command, io: CommandIo): void {
  key
    .command("retire")
    .summary("end the old log key and destroy its file")
    .description(
      "Takes the old key out of postern.yaml, names the new one in the profiles beside it, overwrites the old key's file and removes it. " +
        "The port writes that the key has ended at its next start; until then it holds it in memory.",
    )
    .argument("<purpose>", "log: the key that signs checkpoints")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (purpose: string, flags: Flags) => {
      demandPurpose(purpose)
      const retired = await retireLogKey(loadConfig(flags.config))
      if (flags.json) return io.line(JSON.stringify(retired))
      io.line(retired.vkey)
      for (const profile of retired.profiles) io.note(`postern: ${profile} names the new key`)
      io.note("postern: restart the port: it writes that the key has ended")
      io.note(
        retired.destroyed === undefined
          ? "postern: the old key is a credential of the service manager: remove it there"
          : `postern: ${retired.destroyed} was overwritten and removed. On an SSD, a copy-on-write file system or in a backup the bytes may still be there: what ends the key is the entry, not the file`,
      )
    })
}

function demandPurpose(purpose: string): void {
  if (purposes.includes(purpose)) return
  throw new PosternError(
    "USAGE",
    `${JSON.stringify(purpose)} is not a key that can be changed: log`,
  )
}
