import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatBase64 } from "@postern/log/base"
import { parseKeyProofs } from "@postern/log/evidence"
import {
  openCosignedCheckpoint,
  parseCheckpoint,
  parseNote,
  parsePolicy,
  type TrustPolicy,
} from "@postern/log/tlog"
import { until } from "../support/waiting.ts"
import { configureWitnesses, startCourier, WitnessProcess } from "../support/witness-process.ts"
import type { GoVerifier } from "./go-verifier.ts"
import { freePorts, postern, startPort } from "./port-process.ts"
import { writeProofs } from "./proofs.ts"

const cosignedMs = 60_000
const eventsOfALife = 250

/**
 * A log whose key changed inside it, under two witnesses: three lives, of the old key, of both, of the new one alone. Go's
 * verifier follows it from either key, and checks the cosignatures by itself.
 */
export async function checkRollover(go: GoVerifier, work: string): Promise<void> {
  const log = await makeLog(join(work, "rolled"))
  try {
    const first = await live(log, "before")
    await go.accepts("the old key's checkpoint", first, ["-vkey", log.oldVkey, ...log.witnessed])
    const newVkey = JSON.parse(await demand("key", "rotate", "log", ...log.options, "--json")).new
      .vkey as string
    await go.refuses("it under the new key", first, ["-vkey", newVkey])
    const both = await live(log, "both")
    const keys = { old: ["-vkey", log.oldVkey], new: ["-vkey", newVkey] }
    const told = ["-keys", join(log.directory, "data", "log", "keys")]
    await go.accepts("both keys' checkpoint, under the old one", both, keys.old)
    await go.accepts("under the new one", both, keys.new)
    const all = [...keys.old, ...keys.new, ...log.witnessed]
    await go.accepts("under both, cosigned by both witnesses", both, all)
    await go.refuses("the first under both", first, [...keys.old, ...keys.new])
    await checkCosignatures(go, log, { first, both })
    await demand("key", "retire", "log", ...log.options)
    const alone = await live(log, "alone", false)
    await go.accepts("the new key's checkpoint, under the new key", alone, keys.new)
    await go.refuses("it under the old key alone", alone, keys.old)
    await go.accepts("under the old key, by the proofs", alone, [...keys.old, ...told])
    await go.accepts("under the new key, by the same proofs", alone, [...keys.new, ...told])
    await checkProofs(go, log, alone, keys.old)
    await checkSizes(go, log, [first, both, alone])
  } finally {
    for (const witness of log.witnesses) await witness.end()
  }
}

type Log = Awaited<ReturnType<typeof makeLog>>

async function makeLog(directory: string) {
  const [write, read, ops] = await freePorts(3)
  const ports = ["--write-port", `${write}`, "--read-port", `${read}`, "--ops-port", `${ops}`]
  const made = JSON.parse(await demand("init", directory, ...ports, "--json"))
  const { config, vkey, profiles } = made as {
    config: string
    vkey: string
    profiles: { writer: string }
  }
  const witnesses = await Promise.all(
    ["w1", "w2"].map((name) => WitnessProcess.make(directory, name, vkey)),
  )
  for (const witness of witnesses) await witness.start()
  const policy = configureWitnesses({ directory, vkey, configFile: config }, witnesses)
  return {
    ...{ directory, config, witnesses, profile: profiles.writer, oldVkey: vkey },
    policy: parsePolicy(policy),
    options: ["--config", config],
    witnessed: witnesses.flatMap((witness) => ["-witness", witness.vkey]),
  }
}

/** A life of the port, and an export from it: with the quorum, if it is asked for. Gives the directory. */
async function live(log: Log, name: string, cosigned = true): Promise<string> {
  const { config, policy } = log
  const courier = cosigned ? await startCourier(config) : undefined
  const port = await startPort(config)
  try {
    const event = '{"action":"invoice.deleted","actor":{"type":"user","id":"alice"},"targets":[]}\n'
    const sent = await postern(["send", "--profile", log.profile], event.repeat(eventsOfALife))
    if (sent.code !== 0) throw new Error(sent.text)
    if (cosigned)
      return await until(() => exportCosigned(log, name, policy), cosignedMs, "a quorum")
  } finally {
    await port.stop("SIGTERM")
    await courier?.end("SIGTERM")
  }
  return exportTo(log, name)
}

async function exportCosigned(log: Log, name: string, policy: TrustPolicy) {
  const exported = join(log.directory, `export-${name}`)
  const { code, text } = await postern(["log", "export", exported, ...log.options])
  // The first checkpoint, and the first one by a new key, is signed a second after the first entry.
  if (/NOT_FOUND|NOTE_INVALID/.test(text)) {
    rmSync(exported, { recursive: true, force: true })
    return undefined
  }
  if (code !== 0) throw new Error(text)
  const note = checkpointOf(exported)
  const { cosigned } = await openCosignedCheckpoint(note, policy)
  // The entry about a change is not in the log before its first checkpoint is.
  if (cosigned.length === 2 && sizeOf(exported) > eventsOfALife) return exported
  rmSync(exported, { recursive: true })
  return undefined
}

async function exportTo(log: Log, name: string): Promise<string> {
  const directory = join(log.directory, `export-${name}`)
  await demand("log", "export", directory, ...log.options)
  return directory
}

async function demand(...args: string[]): Promise<string> {
  const { code, text } = await postern(args)
  if (code !== 0) throw new Error(`postern ${args.join(" ")}: ${text}`)
  return text
}

const checkpointOf = (exported: string) => readFileSync(join(exported, "checkpoint"), "utf8")
const treeOf = (exported: string) => parseCheckpoint(parseNote(checkpointOf(exported)).text)
const sizeOf = (exported: string) => treeOf(exported).size

/** The same export with cosignatures that are not right, or not there. */
async function checkCosignatures(
  go: GoVerifier,
  { oldVkey, witnesses, witnessed }: Log,
  { first, both }: { first: string; both: string },
): Promise<void> {
  const file = join(both, "checkpoint")
  const note = checkpointOf(both)
  const [witness] = witnesses
  const name = witness?.vkey.split("+", 1)[0] ?? ""
  const pattern = new RegExp(`^— ${name} (.*)\n`, "m")
  const blob = Buffer.from(pattern.exec(note)?.[1] ?? "", "base64")
  const other = pattern.exec(checkpointOf(first))?.[0] ?? ""
  const changed = (at: number) => {
    const bytes = Buffer.from(blob)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return `— ${name} ${bytes.toString("base64")}\n`
  }
  const wrong = [
    ["a cosignature with another time", changed(11)],
    ["a cosignature with another byte", changed(40)],
    ["a cosignature of an older checkpoint", other],
    ["a cosignature of which the end is missing", `— ${name} ${blob.toString("base64", 0, 75)}\n`],
    ["a checkpoint that a witness did not cosign", ""],
  ] as const
  for (const [what, line] of wrong) {
    writeFileSync(file, note.replace(pattern, line))
    await go.refuses(what, both, ["-vkey", oldVkey, ...witnessed])
  }
  writeFileSync(file, note)
  await go.accepts("it again, unchanged", both, ["-vkey", oldVkey, ...witnessed])
}

/** The proofs of the change with one thing changed each. */
async function checkProofs(
  go: GoVerifier,
  { directory }: Log,
  exported: string,
  pinned: readonly string[],
): Promise<void> {
  const file = join(directory, "data", "log", "keys")
  const text = readFileSync(file, "utf8")
  const { index, path } = parseKeyProofs(text)[0] ?? { index: 0, path: [] }
  const [hash = new Uint8Array()] = path
  const other = Uint8Array.from(hash, (byte, i) => (i === 7 ? byte ^ 1 : byte))
  const wrong = [
    ["a proof with another path", formatBase64(hash), formatBase64(other)],
    ["a proof for the entry after", `"index":${index}`, `"index":${index + 1}`],
    ["a proof whose leaf says something else", '"leaf":"eyJyIjox', '"leaf":"eyJyIjoy'],
    ["no proof of the change", text.split("\n", 1)[0] ?? "", ""],
  ] as const
  for (const [what, from, to] of wrong) {
    const changed = join(directory, "keys-changed")
    writeFileSync(changed, text.replace(from, to).replace(/^\n/, ""))
    await go.refuses(what, exported, [...pinned, "-keys", changed])
  }
}

/** Around the entries about the key, at the borders of tiles, and at each size that was signed: the same tree. */
async function checkSizes(go: GoVerifier, log: Log, exports: readonly string[]): Promise<void> {
  const text = readFileSync(join(log.directory, "data", "log", "keys"), "utf8")
  const changes = parseKeyProofs(text).flatMap(({ index }) => [index, index + 1, index + 2])
  const signed = new Map(exports.map((exported) => [sizeOf(exported), treeOf(exported).root]))
  const sizes = [...new Set([255, 256, 257, 511, 512, 513, ...changes, ...signed.keys()])]
  for (const size of sizes.toSorted((a, b) => a - b)) {
    const exported = join(log.directory, "export-part")
    const asked = ["log", "export", exported, ...log.options, "--size", `${size}`, "--json"]
    const { root } = JSON.parse(await demand(...asked)) as { root: string }
    const proofs = join(log.directory, "proofs")
    await writeProofs(exported, size, proofs)
    const known = signed.get(size)
    const whole = known === undefined ? root : formatBase64(known)
    const flags = ["-size", `${size}`, "-root", whole, "-proofs", proofs]
    await go.accepts(known === undefined ? "a part" : "what was signed then", exported, flags)
    rmSync(exported, { recursive: true })
  }
}
