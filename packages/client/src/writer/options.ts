import { PosternError } from "@postern/log/base"
import type { Profile } from "../profile.ts"
import type { RenewedPair } from "../renewal/index.ts"
import type { Problem } from "./problem.ts"
import type { SpoolSettings } from "./spool.ts"
import type { World } from "./world.ts"

export interface ConnectOptions {
  /** Wait for the port before connect() returns; otherwise events are spooled until it answers. Default false. */
  readonly wait?: boolean
  readonly spool?: SpoolOptions
  /**
   * Told of everything that did not go as it should; what it throws is not looked at. Default: two lines on standard error, a
   * kind at most every ten seconds.
   */
  readonly onProblem?: (problem: Problem) => void
  /**
   * Told of each new certificate and key (PEM) of this profile, to keep them; what it throws is told as a problem. A profile in a file is
   * changed there besides. Without it, a profile that was given as an object is not renewed.
   */
  readonly onRenewed?: (renewed: RenewedPair) => void | Promise<void>
  /** Only for writers whose grant says `internal`: they may write `postern.` actions. Default false. */
  readonly mayUseSelfActions?: boolean
  /** Clock, chance and timers: for tests. */
  readonly world?: World
}

export interface SpoolOptions {
  /** Default: the profile's. On a disk of this machine, for one process at a time. */
  readonly directory?: string
  /** On disk, in bytes; default 64 MiB, at least 256 KiB. */
  readonly bytesMax?: number
  /**
   * When the spool is full: `dropOldest` gives up the oldest unsent events and tells the log how many (default); `block`
   * keeps new ones in memory up to 16 MiB; `throw` makes audit() throw SPOOL_FULL.
   */
  readonly whenFull?: "dropOldest" | "block" | "throw"
  /** `process`: written, survives the end of the process (default). `disk`: synced before it is sent, survives power loss. */
  readonly durable?: "process" | "disk"
  /** Take all the space at the start, so that a full disk cannot stop the spool later. Default false. */
  readonly preallocate?: boolean
}

const mebibyte = 1024 * 1024
const bytesDefault = 64 * mebibyte
const bytesMin = 256 * 1024
/** Files are a sixteenth of the spool, so that giving up the oldest gives up little; but they hold some frames. */
const segmentBytesMin = 128 * 1024
const segmentBytesMax = 16 * mebibyte

/** Errors: PROFILE_INVALID if neither options nor profile name a directory, CONFIG_INVALID for a size out of range. */
export function spoolSettings(profile: Profile, spool: SpoolOptions = {}): SpoolSettings {
  const { directory = profile.spool, bytesMax = bytesDefault, preallocate = false } = spool
  if (directory === undefined) {
    throw new PosternError("PROFILE_INVALID", "it names no spool directory, and no option does")
  }
  if (!Number.isSafeInteger(bytesMax) || bytesMax < bytesMin) {
    throw new PosternError("CONFIG_INVALID", `spool.bytesMax is at least ${bytesMin}`)
  }
  const segmentBytes = Math.min(segmentBytesMax, Math.max(segmentBytesMin, bytesMax / 16))
  const segmentsMax = Math.floor(bytesMax / segmentBytes)
  const wholeBlocks = Math.floor(segmentBytes / 4096) * 4096
  return { directory, segmentBytes: wholeBlocks, segmentsMax, isPreallocated: preallocate }
}
