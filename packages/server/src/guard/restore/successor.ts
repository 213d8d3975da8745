import { existsSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { formatBase64, PosternError } from "@postern/log/base"
import { emptyRoot } from "@postern/log/tlog"
import { replaceFile, syncDirectory } from "../../disk/index.ts"
import { verifierKey } from "../pki/index.ts"
import { copyLog } from "./copy.ts"
import { type EpochBegan, epochName, nextOrigin, successorText } from "./epoch.ts"
import { beginLog } from "./first-slot.ts"
import { type Known, knownSizes } from "./known.ts"
import { asideName, declareWhole, makingPlace, putInPlace } from "./places.ts"
import type { Restored, RestoreOptions } from "./restore.ts"
import { signAs } from "./signing.ts"
import type { Survivor } from "./survivor.ts"
import { nameSuccessor } from "./texts.ts"

/**
 * Ends the epoch: what is left of it is kept beside as `DIR.e1` with a note that names the successor, and a new log begins
 * whose first entry says all that is known of the old one. Nothing is appended to the old log: it may have been signed further than
 * what is left of it goes.
 */
export async function beginSuccessor(
  options: RestoreOptions,
  accepted: { readonly reason: string; readonly operator: string },
  log: { readonly origin: string; readonly vkey: string },
  survivor: Survivor | undefined,
  known: Known,
): Promise<Restored> {
  const { config, directory, from, now } = options
  const logKey = demandLogKey(options)
  const origin = nextOrigin(log.origin)
  const next = { origin, vkey: verifierKey(origin, logKey) }
  const closed = `${directory}.${epochName(log.origin)}`
  if (existsSync(closed)) throw new PosternError("ALREADY_EXISTS", closed)
  const began = describe(accepted, log, survivor, known, { closed, mirrored: from !== undefined })
  const making = await makingPlace(directory)
  await beginLog(making, origin, eventOf(options, origin, began), now.getTime() * 1000)
  const kept = await keepSurvivor(directory, closed, from)
  const { size, root } = largestKnown(known) ?? began.left
  const note = await signAs(log.origin, logKey, successorText({ ...log, size, root, next }))
  await replaceFile(join(kept, "successor"), note)
  await declareWhole(directory)
  // Point of no return: from here on the new log is finished, by this run or the next.
  if (kept !== directory) await rename(kept, closed)
  const away = kept === directory ? closed : asideName(directory, now)
  const aside = await putInPlace(directory, away)
  const changed = nameSuccessor(config, next)
  const shown = aside === closed ? undefined : aside
  return { kind: "successor", ...next, began, aside: shown, changed }
}

/** The successor's key is the old one under a new name, and the old one signs for it. Errors: CONFIG_INVALID. */
export function demandLogKey({ config, logKey }: RestoreOptions): string {
  if (logKey !== undefined) return logKey
  const detail = `${config.file}: to end an epoch, pki.logKey must name the log key's file`
  throw new PosternError("CONFIG_INVALID", detail)
}

/** The directory that will be the closed epoch: a copy of the mirror, what is left in place, or an empty one. */
async function keepSurvivor(
  directory: string,
  closed: string,
  from: string | undefined,
): Promise<string> {
  if (from === undefined && existsSync(directory)) return directory
  const making = `${closed}.making`
  await rm(making, { recursive: true, force: true })
  if (from === undefined) await mkdir(making, { recursive: true, mode: 0o700 })
  else await copyLog(from, making)
  await syncDirectory(dirname(making))
  return making
}

function describe(
  { reason, operator }: { readonly reason: string; readonly operator: string },
  { origin, vkey }: { readonly origin: string; readonly vkey: string },
  survivor: Survivor | undefined,
  known: Known,
  { closed, mirrored }: { readonly closed: string; readonly mirrored: boolean },
): EpochBegan {
  const size = survivor?.size ?? 0
  const root = survivor?.root || formatBase64(emptyRoot)
  const checkpoint = known.checkpoints.at(-1)?.note
  const largest = largestKnown(known)?.size ?? size
  // Only a head that is not the survivor's own says how far acknowledgements went.
  const exact = mirrored && known.head !== undefined && known.head.size >= largest
  return {
    previous: { origin, vkey, ...(checkpoint === undefined ? {} : { checkpoint }) },
    left: { size, root, directory: basename(closed) },
    known: knownSizes(known).slice(0, 16),
    missing: { from: size, to: Math.max(size, largest), exact },
    reason,
    operator,
  }
}

function largestKnown(known: Known) {
  return knownSizes(known)[0]
}

function eventOf({ now, eventId }: RestoreOptions, origin: string, began: EpochBegan): object {
  return {
    id: eventId,
    time: now.toISOString(),
    source: `postern://${origin}`,
    action: "postern.epoch.began",
    outcome: "success",
    actor: { type: "system", id: "port" },
    targets: [{ type: "log", id: began.previous.origin }],
    data: began,
  }
}
