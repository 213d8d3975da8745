import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import { type Config, dataDirectories } from "../config/index.ts"
import {
  DisclosureStore,
  type KeepOut,
  openKeepOut,
  openSaltKeys,
  type SaltKeys,
  saltKeyId,
} from "../disclosures/index.ts"
import { replaceFile } from "../disk/index.ts"
import type { Clock } from "./clock.ts"
import type { OwnStream } from "./own-stream.ts"
import type { Tell } from "./port.ts"

/** What the port needs of the room of disclosures (docs/spec/disclosures.md). */
export interface Strongroom {
  readonly keepOut: KeepOut
  holds(digest: string): boolean
  /** Resolves when all are on stable storage. Errors: DISK_FULL, SEALING_UNAVAILABLE. */
  keep(values: readonly KeptOut[]): Promise<void>
}

export interface StrongroomWorld {
  readonly clock: Clock
  readonly own: OwnStream
  readonly tell: Tell
  fatal(error: unknown): void
}

/** Makes what is missing of directories and keys. Errors: CONFIG_INVALID, DISK_FULL, DISK_FAILED. */
export async function openStrongroom(
  config: Pick<Config, "data" | "sealing">,
  world: StrongroomWorld,
): Promise<Strongroom> {
  const { clock, own, tell, fatal } = world
  const places = { sealed: dataDirectories(config).disclosures, keys: config.sealing }
  const keyMade = ({ id }: { readonly id: string }): void =>
    own.record({ action: "postern.sealing.began", outcome: "success", data: { key: id } })
  const store = await DisclosureStore.open(places, keyMade, () => new Date(clock.milliseconds()))
  const salts = await openSaltKeys(config.sealing)
  await announceSalts(salts, dataDirectories(config).portState, own)
  return {
    keepOut: openKeepOut(salts, (digest) => store.holds(digest)),
    holds: (digest) => store.holds(digest),
    async keep(values) {
      if (values.length === 0) return
      try {
        await store.keep(values)
      } catch (error) {
        if (isPosternError(error) && error.code === "DISK_FULL") throw error
        // As with the log itself: what a failed fsync leaves behind is unknown.
        if (isPosternError(error) && error.code === "DISK_FAILED") fatal(error)
        tell("error", "a value could not be sealed", { error: `${error}` })
        throw new PosternError("SEALING_UNAVAILABLE")
      }
    },
  }
}

/** Another salt key than at the start before becomes an entry, once; the first one of all is no change. */
async function announceSalts(
  { current, previous }: SaltKeys,
  portState: string,
  own: Pick<OwnStream, "record">,
): Promise<void> {
  const file = join(portState, "salt-key")
  const key = saltKeyId(current)
  const known = existsSync(file) ? readFileSync(file, "utf8").trimEnd() : undefined
  if (known === key) return
  const isFirst = known === undefined && previous === undefined
  const data = { key, previous: previous && saltKeyId(previous) }
  if (!isFirst) own.record({ action: "postern.salt.began", outcome: "success", data })
  mkdirSync(portState, { recursive: true, mode: 0o700 })
  await replaceFile(file, `${key}\n`)
}
