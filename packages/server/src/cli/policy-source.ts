import { readFileSync } from "node:fs"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { decodeUtf8, PosternError } from "@postern/log/base"
import { type Config, loadConfig, policyFile, readTextFile } from "../config/index.ts"
import { profilesDirectory } from "../guard/setup/index.ts"
import { keepEverything, type Policy, parsePolicy } from "../policy/rules/index.ts"
import { type AdminClient, adminClient } from "./admin-client.ts"
import type { CommandIo } from "./io.ts"
import { configOption } from "./options.ts"

/** Where a command finds the policy that it is about, if no file is named. */
export interface PolicyFlags {
  readonly config?: string
}

export function optionalConfig() {
  return configOption().makeOptionMandatory(false)
}

/** The file that is named, or the one of the installation. Errors: USAGE, CONFIG_INVALID if there is none. */
export function policyPath(file: string | undefined, { config }: PolicyFlags): string {
  if (file !== undefined) return file
  if (config === undefined)
    throw new PosternError("USAGE", "FILE is missing, or --config of the installation")
  const found = policyFile(loadConfig(config))
  if (found !== undefined) return found
  throw new PosternError(
    "CONFIG_INVALID",
    "the installation has no policy.yaml: it keeps everything",
  )
}

/** Errors: POLICY_INVALID, CONFIG_INVALID. */
export function readPolicyFile(path: string): Policy {
  return parsePolicy(readTextFile(path))
}

/** As the log and the port have it: no text at all is no policy. Errors: POLICY_INVALID. */
export function parseKeptPolicy(text: string): Policy {
  return text === keepEverything.text ? keepEverything : parsePolicy(text)
}

/** The admin plane of an installation, by the operator's profile beside it if none is named. */
export function adminOf(config: Config, operator: string | undefined): AdminClient {
  return adminClient(loadProfile(operator ?? join(profilesDirectory(config), "operator.yaml")))
}

const inputBytesMax = 67_108_864

/** The text of a file, or of standard input for `-`. Errors: EVENT_UTF8, USAGE. */
export async function readInput(name: string, io: CommandIo): Promise<string> {
  const text = decodeUtf8(name === "-" ? await readAll(io) : readBytes(name))
  if (text !== undefined) return text
  throw new PosternError("EVENT_UTF8")
}

function readBytes(name: string): Uint8Array {
  try {
    return readFileSync(name)
  } catch (cause) {
    throw new PosternError("USAGE", `${name} cannot be read: ${String(cause)}`, { cause })
  }
}

async function readAll({ stdin }: CommandIo): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk))
    bytes += Buffer.byteLength(chunk)
    if (bytes > inputBytesMax) throw new PosternError("EVENT_TOO_LARGE")
  }
  return Buffer.concat(chunks)
}
