import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { formatVkey, noteKeyId } from "@postern/log/tlog"
import { dataDirectories } from "../../config/index.ts"
import { initDirectory } from "../setup/index.ts"
import { origin, WrittenLog } from "../verify/written-log.test.support.ts"
import { type RestoreOptions, restoreLog } from "./index.ts"

const directories: string[] = []

export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
}

/** An installation whose log was written by hand, signed with the installation's own key. */
export async function openScene() {
  const directory = mkdtempSync(join(tmpdir(), "postern-restore-"))
  directories.push(directory)
  const made = await initDirectory({ directory: join(directory, "audit"), origin })
  const { config } = made
  const logKey = readFileSync(config.pki.logKey ?? "", "utf8")
  const log = await WrittenLog.open(config.data)
  log.log = keyOf(logKey)
  await log.started()
  await log.commit()
  const writer = log.opened(true)
  log.events(writer, 20)
  await log.commit()
  await log.checkpoint()
  const own = dataDirectories(config).log

  /** The directory as it is now, as a mirror would have it. */
  const copyTo = (name: string): string => {
    const path = join(directory, name)
    cpSync(own, path, { recursive: true })
    return path
  }
  /** Some more entries, acknowledged; under a checkpoint if asked for. */
  const grow = async (count: number, signed: boolean): Promise<void> => {
    log.events(writer, count)
    await log.commit()
    if (signed) await log.checkpoint()
  }
  const restore = (options: Partial<RestoreOptions> = {}) =>
    restoreLog({
      ...{ config, directory: own, vkey: made.vkey, logKey, from: undefined },
      ...{ acceptLoss: undefined, seen: [], now: new Date("2026-11-22T12:00:00.123Z") },
      ...{ eventId: "01a20496-ee61-7db0-8e19-bc3c5e4931ae", progress: () => undefined },
      ...options,
    })
  const accept = { acceptLoss: { reason: "disk failed", operator: "root@host" } }
  return {
    made,
    config,
    log,
    writer,
    own,
    directory,
    vkey: made.vkey,
    copyTo,
    grow,
    restore,
    accept,
  }
}

export type Scene = Awaited<ReturnType<typeof openScene>>

function keyOf(pem: string) {
  const key = createPrivateKey(pem)
  const raw = createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-32)
  const publicKey = new Uint8Array(raw)
  const signer = {
    name: origin,
    keyId: noteKeyId(origin, publicKey),
    sign: (message: Uint8Array) => new Uint8Array(sign(null, message, key)),
  }
  return { vkey: formatVkey(origin, publicKey), signer }
}
