import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import { type Config, dataDirectories } from "../config/index.ts"
import {
  DisclosureStore,
  HandedOver,
  type KeepOut,
  type MacKeys,
  openKeepOut,
  openMacKeys,
  openSaltKeys,
  openSealedRoom,
  type SealedRoom,
  saltKeyId,
} from "../disclosures/index.ts"
import { replaceFile, syncDirectory } from "../disk/index.ts"
import type { Clock } from "./clock.ts"
import { openMac } from "./fast-mac.ts"
import type { OwnStream } from "./own-stream.ts"
import type { PolicyKeys } from "./policy-at-work.ts"
import type { Tell } from "./port.ts"

/** What the port needs of the room of disclosures (docs/spec/disclosures.md). */
export interface Strongroom extends PolicyKeys {
  readonly keepOut: KeepOut
  /** Values that the policy takes out of events, each sealed under the key of a person or a class. */
  readonly sealed: SealedRoom
  /** Of the policy's HMACs, the present one and those of before. */
  readonly macKeys: MacKeys
  /** What writers handed over and no event of which has its place yet. */
  readonly handedOver: HandedOver
  holds(digest: string): boolean
  /** The JSON bytes of a disclosure that is kept; undefined if they cannot be had. */
  read(digest: string): Promise<Uint8Array | undefined>
  /** Resolves when all are on stable storage. Errors: DISK_FULL, SEALING_UNAVAILABLE. */
  keep(values: readonly KeptOut[]): Promise<void>
}

export interface StrongroomWorld {
  /** Entries that the log has. */
  readonly size: number
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
  const { size, clock, own, tell, fatal } = world
  const places = { sealed: dataDirectories(config).disclosures, keys: config.sealing }
  const keyMade = ({ id }: { readonly id: string }): void =>
    own.record({ action: "postern.sealing.began", outcome: "success", data: { key: id } })
  const store = await DisclosureStore.open(places, keyMade, () => new Date(clock.milliseconds()))
  const salts = await openSaltKeys(config.sealing)
  const announce = announcer(dataDirectories(config).portState, own)
  const { previous } = salts
  await announce("salt", saltKeyId(salts.current), previous && saltKeyId(previous))
  mkdirSync(places.sealed, { recursive: true, mode: 0o750 })
  await syncDirectory(dirname(places.sealed))
  const now = (): Date => new Date(clock.milliseconds())
  const sealed = await openSealedRoom(places, { now, size })
  const macKeys = await openMacKeys(config.sealing)
  await announce("hmac", macKeys.current.kid, macKeys.all[1]?.kid)
  const mac = openMac(macKeys.current.key)
  const keepOut = openKeepOut(salts, (digest) => store.holds(digest))
  return {
    keepOut: (writer, item, name, value) => keepOut(writer, item, name, value),
    sealed,
    macKeys,
    mac: (parts) => ({ kid: macKeys.current.kid, digest: mac(parts) }),
    pseudonymOf: (subject) => sealed.pseudonymOf(subject),
    keepOutAt: (writer, item, at, name, value, subject) =>
      subject === undefined
        ? keepOut(writer, item, name, value, at)
        : sealed.keepOut(subject, writer, item, name, value, at),
    put: (index, under, digest, json) => sealed.put(index, under, digest, json),
    handedOver: await HandedOver.open(places.sealed, () => clock.milliseconds()),
    holds: (digest) => store.holds(digest),
    read: (digest) => store.read(digest),
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

/** Another key than at the start before becomes an entry, once; the first one of all is no change. */
export function announcer(portState: string, own: Pick<OwnStream, "record">) {
  return async (
    noun: "salt" | "hmac" | "encryption",
    key: string,
    previous: string | undefined,
  ): Promise<void> => {
    const file = join(portState, `${noun}-key`)
    const known = existsSync(file) ? readFileSync(file, "utf8").trimEnd() : undefined
    if (known === key) return
    const isFirst = known === undefined && previous === undefined
    const action = `postern.${noun}.began`
    if (!isFirst) own.record({ action, outcome: "success", data: { key, previous } })
    mkdirSync(portState, { recursive: true, mode: 0o700 })
    await replaceFile(file, `${key}\n`)
  }
}
