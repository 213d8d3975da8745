import { resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import { rootKeyName } from "@postern/log/evidence"
import { isKeyName } from "@postern/log/tlog"
import { type Command, Option } from "commander"
import { type Config, loadConfig } from "../../config/index.ts"
import { type HeldCertificate, listCertificates } from "../../guard/certificates/index.ts"
import {
  createRootKey,
  type KeyAge,
  type KeyReport,
  listKeyAges,
  nameRootKey,
  type ReportedKey,
  reportKeys,
  retireLogKey,
  rotateLogKey,
  rotateMacKey,
  rotateReceiptKey,
  rotateSaltKey,
  rotateSegmentKey,
} from "../../guard/keys/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { formatTable } from "../table.ts"

export function registerKey(program: Command, io: CommandIo): void {
  const key = program
    .command("key")
    .helpGroup(helpGroups.setUp)
    .summary("keys that sign: how old, changed, replaced when stolen")
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
  postern key rotate receipt --config audit/postern.yaml
  postern key rotate salt --config audit/postern.yaml
  postern key rotate hmac --config audit/postern.yaml
  postern key rotate segments --config audit/postern.yaml
  postern key retire log --config audit/postern.yaml
  postern key rotate log --config audit/postern.yaml --root /media/safe/root.key --compromised`

interface Flags {
  readonly config: string
  readonly json?: true
}

function listCommand(key: Command, io: CommandIo): void {
  key
    .command("list")
    .summary("list the keys that this log has and had, and how old they are")
    .description(
      "Reads the configuration, the log's own proofs, certificates and the times of the key files; asks nobody.",
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      const config = loadConfig(flags.config)
      const [report, ages] = [await reportKeys(config), listKeyAges(config, io.now())]
      const held = certificatesOf(config, io.now())
      if (flags.json) return io.line(JSON.stringify({ ...report, ages, certificates: held }))
      printReport(report, io)
      printAges(ages, held, io)
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
  if (rootVkey !== undefined) io.line(`root key: ${rootVkey} (offline: its age is not known here)`)
  if (problem !== undefined) {
    io.note(`postern: not every change is proven for who pinned the first key: ${problem}`)
  }
}

type CertifiedKey = Pick<HeldCertificate, "holder" | "file" | "state" | "notBefore" | "notAfter">

/** A TLS key is as old as its certificate, and its greatest age is the certificate's life. */
function certificatesOf(config: Config, now: Date): CertifiedKey[] {
  return listCertificates(config, now).map(({ holder, file, state, notBefore, notAfter }) => ({
    ...{ holder, file, state, notBefore, notAfter },
  }))
}

function printAges(ages: readonly KeyAge[], held: readonly CertifiedKey[], io: CommandIo): void {
  const rows = ages.map(({ purpose, file, since, daysMax, state }) => {
    const until = daysMax === undefined ? "made each month" : `${daysMax} days at most`
    return [purpose, state, since?.slice(0, 10) ?? "", until, file]
  })
  for (const { holder, file, state, notBefore, notAfter } of held) {
    const until = notAfter === "" ? "" : `until ${notAfter.slice(0, 10)}`
    rows.push([holder === "ca" ? "CA" : "TLS", state, notBefore.slice(0, 10), until, file])
  }
  io.line(formatTable(["key", "age", "since", "", "file"], rows, { color: io.color }))
  for (const { file, state } of held) {
    if (state === "warn" || state === "fail")
      io.note(`postern: ${file} comes to the end of its life, or is of no use: postern pki status`)
  }
  for (const { purpose, state } of ages) {
    if (state !== "warn" && state !== "over") continue
    const how = state === "over" ? "is over" : "comes to the end of"
    const what = purpose === "personal" ? elsewhere.personal : `postern key rotate ${purpose}`
    io.note(`postern: the ${purpose} key ${how} its age: ${what}`)
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

/** What to do about keys that are not rotated by a command. */
const elsewhere: Readonly<Record<string, string>> = {
  personal: "the port makes another one at its next start after that age, and with each erasure",
  sealing: "the port makes a new one each month by itself",
  tls: "each certificate comes with a new key: postern pki renew",
}

function rotateCommand(key: Command, io: CommandIo): void {
  key
    .command("rotate")
    .summary("make a new key; the port changes over at its next start")
    .description(
      "log: makes the key beside the old one, has the old one certify it, and names both in postern.yaml. From the next start of the port " +
        "on both sign. With --root KEYFILE --compromised the root key certifies it, and the old one ends at once. " +
        "receipt: puts a new key in the place of the old one. salt: so does this, and keeps the one of before to recognise repeats. " +
        "hmac: so does this, and keeps all of before, so that what they hid can be looked up.",
    )
    .argument(
      "<purpose>",
      "log: the key that signs checkpoints; receipt: the one that signs receipts; salt: the one that makes salts of values kept beside the log; " +
        "hmac: the one that the policy hides values with; segments: the one that wraps the keys of encrypted segments",
    )
    .addOption(configOption())
    .option("--root <keyfile>", "the root key (postern key root init)")
    .option("--compromised", "the old key was stolen, or may have been")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (purpose: string, flags: RotateFlags) => {
      demandPurpose(purpose, ["log", "receipt", "salt", "hmac", "segments"])
      if (purpose !== "log" && (flags.root !== undefined || flags.compromised))
        throw new PosternError("USAGE", "--root and --compromised are about the log key")
      if (purpose === "receipt") return rotateReceipt(flags, io)
      if (purpose === "salt") return rotateSalt(flags, io)
      if (purpose === "hmac") return rotateMac(flags, io)
      if (purpose === "segments") return rotateSegments(flags, io)
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

async function rotateSalt(flags: RotateFlags, io: CommandIo): Promise<void> {
  const rotation = await rotateSaltKey(loadConfig(flags.config))
  if (flags.json) return io.line(JSON.stringify(rotation))
  io.line(rotation.key)
  io.note(
    "postern: restart the port: postern.salt.began names it; the one of before still recognises repeats",
  )
}

function rotateMac(flags: RotateFlags, io: CommandIo): void {
  const rotation = rotateMacKey(loadConfig(flags.config))
  if (flags.json) return io.line(JSON.stringify(rotation))
  io.line(rotation.key)
  io.note("postern: restart the port: equal values have other HMACs and tokens from then on")
  io.note(`postern: ${rotation.former} is kept: without it nobody can look up what it has hidden`)
}

function rotateSegments(flags: RotateFlags, io: CommandIo): void {
  const rotation = rotateSegmentKey(loadConfig(flags.config))
  if (flags.json) return io.line(JSON.stringify(rotation))
  io.line(rotation.key)
  io.note(
    "postern: the next segment that is compressed goes by it; a restart of the port says so in the log",
  )
  io.note(`postern: ${rotation.former} is kept: without it the segments of before open to nobody`)
}

function rotateReceipt(flags: RotateFlags, io: CommandIo): void {
  const rotation = rotateReceiptKey(loadConfig(flags.config))
  if (flags.json) return io.line(JSON.stringify(rotation))
  io.line(rotation.new)
  io.note("postern: restart the port: the log key certifies it, and postern.started names it")
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
      demandPurpose(purpose, ["log"])
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

function demandPurpose(purpose: string, known: readonly string[]): void {
  if (known.includes(purpose)) return
  const reason = elsewhere[purpose] ?? known.join(" and ")
  const detail = `${JSON.stringify(purpose)} is not a key that can be changed here: ${reason}`
  throw new PosternError("USAGE", detail)
}
