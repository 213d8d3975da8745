import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import type { Config } from "../../config/index.ts"
import { lockDirectory } from "../../disk/index.ts"
import { copyBack } from "./copy-back.ts"
import type { EpochBegan } from "./epoch.ts"
import { finishInterrupted } from "./interrupted.ts"
import { type Known, knownSizes, readKnown } from "./known.ts"
import { beginSuccessor } from "./successor.ts"
import { openSurvivor, type Survivor } from "./survivor.ts"
import { rememberedNotes } from "./texts.ts"

export interface RestoreOptions {
  readonly config: Config
  /** The configured log directory; it may be damaged, older than it was, or gone. */
  readonly directory: string
  /** The log's verifier key. */
  readonly vkey: string
  /** Keys that it had before. */
  readonly olderKeys?: readonly string[]
  /** The log key's PEM; undefined where a signer elsewhere holds it: then no epoch can be ended here. */
  readonly logKey: string | undefined
  /** A mirror's directory, which nobody writes to meanwhile. */
  readonly from: string | undefined
  /** Set = what is missing may be given up, and the epoch ends. */
  readonly acceptLoss: { readonly reason: string; readonly operator: string } | undefined
  /** Checkpoints from elsewhere: of a witness, a monitor, a reader. */
  readonly seen: readonly { readonly by: string; readonly note: string }[]
  readonly now: Date
  readonly eventId: string
  readonly progress: (entries: number, of: number) => void
}

export type Restored =
  /** The mirror held everything: the same log goes on. */
  | {
      readonly kind: "copied"
      readonly size: number
      readonly root: string
      readonly aside: string | undefined
    }
  /** The epoch ended; `origin` is that of the successor. */
  | {
      readonly kind: "successor"
      readonly origin: string
      readonly vkey: string
      readonly began: EpochBegan
      readonly aside: string | undefined
      readonly changed: readonly string[]
    }
  /** An earlier run was interrupted after its last decision; what was left to do is done. */
  | { readonly kind: "finished"; readonly origin: string; readonly changed: readonly string[] }

/**
 * Restores a log directory, with no port running. Everything is verified and made beside it before the directory is
 * touched; nothing but our own half-made copies is ever deleted. Errors: LOG_LOCKED while a port or a mirror runs,
 * LOG_ROLLED_BACK if something would be lost and that was not accepted, LOG_FORKED if what is left is another history,
 * LOG_DAMAGED, NOTE_INVALID, USAGE if nothing is wrong, ALREADY_EXISTS, and those of the disk.
 */
export async function restoreLog(options: RestoreOptions): Promise<Restored> {
  const { directory, from } = options
  const locks = [directory, from].flatMap((path) => {
    const there = path !== undefined && existsSync(path)
    return there ? [lockDirectory(join(path, "lock"))] : []
  })
  try {
    return (await finishInterrupted(options)) ?? (await restore(options))
  } finally {
    for (const lock of locks) lock.release()
  }
}

async function restore(options: RestoreOptions): Promise<Restored> {
  const { config, directory, from, acceptLoss, progress } = options
  const { vkey, olderKeys = [] } = options
  const log = { origin: config.origin, vkey, olderKeys }
  const notes = [...options.seen, ...(from === undefined ? [] : mirrorNote(from))]
  const { signedMemory } = config
  const remembered = rememberedNotes(config)
  const known = await readKnown(directory, log, { notes, remembered, signedMemory })
  if (known.origin !== undefined && known.origin !== config.origin) {
    throw new PosternError("LOG_DAMAGED", `${directory} is the log ${known.origin}`)
  }
  const path = from ?? (known.origin === undefined ? undefined : directory)
  const survivor =
    path === undefined ? undefined : await openSurvivor(path, log, from !== undefined, progress)
  if (survivor?.sound) await demandSameHistory(survivor, known)
  const covered = survivor?.sound === true && coversAll(survivor, known)
  if (covered && from !== undefined) return copyBack(options, survivor, known)
  if (acceptLoss !== undefined) return beginSuccessor(options, acceptLoss, log, survivor, known)
  if (!covered) throw lossNotAccepted(survivor, known, from)
  throw new PosternError(
    "USAGE",
    "nothing is missing as far as anything here knows: start the port",
  )
}

function mirrorNote(from: string): { by: string; note: string }[] {
  const path = join(from, "checkpoint")
  return existsSync(path) ? [{ by: "mirror", note: readFileSync(path, "utf8") }] : []
}

/** Whatever was signed or shown must be in what is left, as far as that goes. */
async function demandSameHistory(survivor: Survivor, known: Known): Promise<void> {
  for (const one of knownSizes(known)) {
    if (one.size > survivor.size || (await survivor.holds(one))) continue
    const detail = `${survivor.path} has another root at ${one.size} entries than ${one.by}`
    throw new PosternError("LOG_FORKED", detail)
  }
}

/**
 * True only if nothing can be missing: the head says what was acknowledged, `last-signed` what was signed. Without both,
 * entries may have been acknowledged, or sizes signed, of which nobody here knows; going on in the same log would give
 * two entries one index.
 */
function coversAll(survivor: Survivor, known: Known): boolean {
  if (known.head === undefined || known.lastSigned === undefined) return false
  return knownSizes(known).every(({ size }) => size <= survivor.size)
}

function lossNotAccepted(
  survivor: Survivor | undefined,
  known: Known,
  from: string | undefined,
): PosternError {
  const left = survivor?.size ?? 0
  const [largest] = knownSizes(known)
  const where = from === undefined ? "left" : "in the mirror"
  const lost =
    largest !== undefined && largest.size > left
      ? `entries ${left} to ${largest.size} are missing (${largest.by} knows of them)`
      : "and nothing says whether more was acknowledged: head or last-signed is gone"
  const detail = `${left} entries are ${where}, ${lost}; --accept-loss --reason TEXT ends the epoch`
  return new PosternError("LOG_ROLLED_BACK", detail)
}
