import { isPosternError, PosternError } from "@postern/log/base"
import { type Config, dataDirectories } from "../config/index.ts"
import {
  DisclosureStore,
  type KeepOut,
  type KeptOut,
  openKeepOut,
  openSaltKey,
} from "../disclosures/index.ts"
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
  return {
    keepOut: openKeepOut(await openSaltKey(config.sealing)),
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
