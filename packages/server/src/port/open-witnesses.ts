import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import {
  consistencyProof,
  parsePolicy,
  type ReadHashes,
  type TrustPolicy,
  treeRoot,
} from "@postern/log/tlog"
import { type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { followLog, replaceFile } from "../disk/index.ts"
import type { OpenedLog } from "./open-log.ts"
import {
  describeContradiction,
  type OwnHistory,
  parseContradiction,
  Witnesses,
  type WitnessesWorld,
} from "./witnesses/index.ts"

type OuterWorld = Pick<
  WitnessesWorld,
  "now" | "signedSize" | "republish" | "record" | "contradicted" | "failed"
> & {
  /** A checkpoint got the quorum of the policy; its only log, if any, is the root key. */
  witnessed(note: string, policy: TrustPolicy): Promise<void>
}

/** The newest checkpoint that has the quorum; beside the published one (docs/spec/disk.md). */
const witnessedName = "witnessed"

/**
 * The witnesses of the configuration, with what earlier lives of the port left on disk; undefined
 * if it names none.
 * @throws PosternError CONFIG_INVALID · POLICY_INVALID · LOG_DAMAGED
 */
export async function openWitnesses(
  config: Config,
  { liveKeys, knownKeys }: Pick<OpenedLog, "liveKeys" | "knownKeys">,
  world: OuterWorld,
): Promise<Witnesses | undefined> {
  if (config.witnesses === undefined) return undefined
  const { log, portState } = dataDirectories(config)
  const policy = parsePolicy(readTextFile(config.witnesses))
  const evidence = join(portState, "evidence")
  mkdirSync(evidence, { recursive: true, mode: 0o700 })
  const stopFile = join(portState, "contradiction.json")
  // A policy may go on naming the key that it named first: whoever reads it learns the others.
  const isOurs = policy.logs.some(({ vkey }) => knownKeys.includes(vkey))
  const witnesses = new Witnesses(isOurs ? { ...policy, logs: [] } : policy, liveKeys, {
    ...world,
    ownHistory: (from, to) => readHistory(log, from, to),
    keepWitnessed: async (note) => {
      await replaceFile(join(log, witnessedName), note)
      const logs = config.rootVkey === undefined ? [] : [{ vkey: config.rootVkey, url: undefined }]
      await world.witnessed(note, { ...policy, logs })
    },
    keepEvidence: (name, text) => replaceFile(join(evidence, `${name}.json`), text),
    keepContradiction: (found) => replaceFile(stopFile, `${JSON.stringify(found)}\n`),
  })
  const published = readIfThere(join(log, "checkpoint"))
  await witnesses.restore(readIfThere(join(log, witnessedName)), published)
  restoreContradiction(witnesses, stopFile, world.signedSize())
  return witnesses
}

async function readHistory(
  directory: string,
  from: number,
  to: number,
): Promise<OwnHistory | undefined> {
  const view = await followLog(directory)
  try {
    if (from > to || to > view.head().size) return undefined
    const read: ReadHashes = (level, first, end) => view.hashes(level, first, end)
    return { root: await treeRoot(from, read), proof: await consistencyProof(from, to, read) }
  } finally {
    await view.close()
  }
}

/** A log that was set back and is whole again goes on by itself; a fork is for somebody to judge. */
function restoreContradiction(witnesses: Witnesses, file: string, signedSize: number): void {
  const text = readIfThere(file)
  if (text === undefined) return
  const found = parseContradiction(text)
  if (found === undefined) throw new PosternError("CONFIG_INVALID", `${file} cannot be read`)
  if (found.code === "LOG_ROLLED_BACK" && found.size <= signedSize) return rmSync(file)
  witnesses.keepStopped(found)
}

/**
 * Nothing is served by a log that a witness knows to be set back: what it acknowledged would take
 * the place of what it had acknowledged before.
 * @throws PosternError LOG_ROLLED_BACK
 */
export function refuseRolledBack(witnesses: Witnesses, config: Config): void {
  const found = witnesses.contradiction
  if (found?.code !== "LOG_ROLLED_BACK") return
  const { portState } = dataDirectories(config)
  const overrule = found.proven
    ? ""
    : `; if the witness is wrong, take it out of ${config.witnesses} and remove ${join(portState, "contradiction.json")}`
  throw new PosternError("LOG_ROLLED_BACK", `${describeContradiction(found)}${overrule}`)
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined
}
