import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto"
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import {
  assert,
  encodeUtf8,
  formatBase64,
  formatHex,
  PosternError,
  parseBase64,
  sha256,
} from "@postern/log/base"
import {
  emptyRoot,
  formatWitnessVkey,
  isKeyName,
  type NoteSigner,
  parseVkey,
  witnessKeyId,
} from "@postern/log/tlog"
import { readSecretFile } from "../config/index.ts"
import { lockDirectory, replaceFile } from "../disk/index.ts"
import type { Known, WitnessedLog } from "./judgement.ts"

const configFormat = "witness@v1"
const stateFormat = "witness-state@v1"

/** Files of a witness's directory; whoever can change them can make it cosign anything. */
const file = {
  config: (directory: string) => join(directory, "witness.json"),
  key: (directory: string) => join(directory, "witness.key"),
  vkey: (directory: string) => join(directory, "witness.vkey"),
  lock: (directory: string) => join(directory, "lock"),
  evidence: (directory: string) => join(directory, "evidence"),
  state: (directory: string, origin: string) =>
    join(directory, "state", `${originHash(origin)}.json`),
}

/** Hexadecimal SHA-256 of the origin: its name in paths, on disk and in URLs (C2SP tlog-witness). */
export function originHash(origin: string): string {
  return formatHex(sha256(encodeUtf8(origin)))
}

interface WitnessConfig {
  readonly name: string
  readonly logs: readonly WitnessedLog[]
}

/** A witness's directory, locked for this process. */
export interface OpenedDirectory {
  readonly signer: NoteSigner
  readonly vkey: string
  /** By origin. */
  readonly logs: ReadonlyMap<string, WitnessedLog>
  readonly known: ReadonlyMap<string, Known>
  readonly evidenceDirectory: string
  /** Durable once it resolves. */
  persist(origin: string, known: Known): Promise<void>
  release(): void
}

/**
 * Makes a witness: a directory with a key of its own and no log.
 * @param name of the key, in every cosignature: a URL without scheme, such as witness.example/w1
 * @returns the verifier key, which goes into the policies of others
 * @throws PosternError USAGE · ALREADY_EXISTS
 */
export async function initWitness(directory: string, name: string): Promise<string> {
  if (!isKeyName(name)) throw new PosternError("USAGE", `${JSON.stringify(name)} is not a key name`)
  if (existsSync(file.config(directory)) || existsSync(file.key(directory))) {
    throw new PosternError("ALREADY_EXISTS", `${directory} is a witness's`)
  }
  mkdirSync(join(directory, "state"), { recursive: true, mode: 0o700 })
  mkdirSync(file.evidence(directory), { recursive: true, mode: 0o700 })
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })
  writeKey(file.key(directory), String(pem))
  const { vkey } = signerOf(name, String(pem))
  await replaceFile(file.vkey(directory), `${vkey}\n`)
  await writeConfig(directory, { name, logs: [] })
  return vkey
}

function writeKey(path: string, pem: string): void {
  const fd = openSync(path, "wx", 0o600)
  try {
    writeFileSync(fd, pem)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Tells a witness of a log, or of one more key of a log that it knows already (a rollover). A log's
 * memory is made here and nowhere else, so that a missing one is a lost one.
 * @param origin of its checkpoints, if it is not the key's name
 * @throws PosternError NOTE_INVALID · CONFIG_INVALID · WITNESS_STATE_LOST · ALREADY_EXISTS
 */
export async function addWitnessedLog(
  directory: string,
  vkey: string,
  origin: string = parseVkey(vkey).name,
): Promise<WitnessedLog> {
  parseVkey(vkey)
  const config = readConfig(directory)
  const before = config.logs.find((log) => log.origin === origin)
  if (before?.vkeys.includes(vkey)) throw new PosternError("ALREADY_EXISTS", `the key of ${origin}`)
  if (before === undefined) {
    if (existsSync(file.state(directory, origin))) readState(directory, origin)
    else await writeState(directory, origin, nothingKnown)
  } else {
    readState(directory, origin)
  }
  const log = { origin, vkeys: [...(before?.vkeys ?? []), vkey] }
  const logs = [...config.logs.filter((one) => one.origin !== origin), log]
  await writeConfig(directory, { ...config, logs })
  return log
}

const nothingKnown: Known = { size: 0, root: emptyRoot, note: undefined, time: 0 }

/**
 * Opens a witness's directory for the one process that may use it.
 * @throws PosternError CONFIG_INVALID · WITNESS_STATE_LOST, if a log that was added has no memory ·
 *   LOG_LOCKED
 */
export function openWitnessDirectory(directory: string): OpenedDirectory {
  const { name, logs } = readConfig(directory)
  const { signer, vkey } = signerOf(name, readSecretFile(file.key(directory)))
  const lock = lockDirectory(file.lock(directory))
  try {
    return {
      signer,
      vkey,
      logs: new Map(logs.map((log) => [log.origin, log])),
      known: new Map(logs.map(({ origin }) => [origin, readState(directory, origin)])),
      evidenceDirectory: file.evidence(directory),
      persist: (origin, known) => writeState(directory, origin, known),
      release: () => lock.release(),
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** SubjectPublicKeyInfo of an Ed25519 key has 12 bytes before the 32 of the key (RFC 8410 §4). */
const spkiPrefixBytes = 12

function signerOf(name: string, pem: string): { signer: NoteSigner; vkey: string } {
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw new PosternError("CONFIG_INVALID", "the witness's key is not PEM", { cause })
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw new PosternError("CONFIG_INVALID", "the witness's key is not an Ed25519 key")
  }
  const spki = createPublicKey(key).export({ type: "spki", format: "der" })
  assert(spki.length === spkiPrefixBytes + 32, "an Ed25519 key has 32 bytes")
  const publicKey = new Uint8Array(spki.subarray(spkiPrefixBytes))
  return {
    signer: {
      name,
      keyId: witnessKeyId(name, publicKey),
      sign: (message) => sign(null, message, key),
    },
    vkey: formatWitnessVkey(name, publicKey),
  }
}

function readConfig(directory: string): WitnessConfig {
  const path = file.config(directory)
  const { postern, name, logs } = readJson(path, "CONFIG_INVALID")
  const whole =
    postern === configFormat &&
    typeof name === "string" &&
    isKeyName(name) &&
    Array.isArray(logs) &&
    logs.every(isLog)
  if (!whole) throw new PosternError("CONFIG_INVALID", `${path} is not that of a witness`)
  return { name, logs }
}

function isLog(value: unknown): value is WitnessedLog {
  if (typeof value !== "object" || value === null) return false
  const { origin, vkeys } = value as { origin?: unknown; vkeys?: unknown }
  const keys = Array.isArray(vkeys) && vkeys.length > 0 ? vkeys : [undefined]
  return typeof origin === "string" && keys.every((vkey) => typeof vkey === "string")
}

async function writeConfig(directory: string, { name, logs }: WitnessConfig): Promise<void> {
  const text = JSON.stringify({ postern: configFormat, name, logs }, null, 2)
  await replaceFile(file.config(directory), `${text}\n`)
}

function readState(directory: string, origin: string): Known {
  const path = file.state(directory, origin)
  const state = readJson(path, "WITNESS_STATE_LOST")
  const { postern, size, note, time } = state
  const root = typeof state.root === "string" ? parseBase64(state.root) : undefined
  const whole =
    postern === stateFormat &&
    state.origin === origin &&
    Number.isSafeInteger(size) &&
    Number.isSafeInteger(time) &&
    root?.length === emptyRoot.length &&
    (note === undefined || typeof note === "string")
  if (!whole) throw new PosternError("WITNESS_STATE_LOST", `${path} is not the memory of a log`)
  return { size: Number(size), root, note, time: Number(time) }
}

async function writeState(directory: string, origin: string, known: Known): Promise<void> {
  const { size, root, note, time } = known
  const state = { postern: stateFormat, origin, size, root: formatBase64(root), note, time }
  await replaceFile(file.state(directory, origin), `${JSON.stringify(state)}\n`)
}

function readJson(
  path: string,
  code: "CONFIG_INVALID" | "WITNESS_STATE_LOST",
): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"))
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>
  } catch (cause) {
    throw new PosternError(code, path, { cause })
  }
  throw new PosternError(code, path)
}
