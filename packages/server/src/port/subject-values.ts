import { isPosternError } from "@postern/log/base"
import { DigestPlaces, formatTime } from "@postern/log/event"
import type { KeyId, SealedRoom } from "../disclosures/index.ts"
import type { LogView } from "../disk/index.ts"
import type { EntryValues } from "../erasure/index.ts"
import { entriesAt } from "./entries-at.ts"
import type { AtStep } from "./errands.ts"

/** What a person's key has sealed, as far as entries of the log have it. */
export interface SubjectValues {
  /** Entries ascending; the digests stand in the entries themselves. */
  readonly list: readonly EntryValues[]
  /** Values that no entry names by itself: they stand in other values of it. */
  readonly inside: readonly EntryValues[]
  /** When the port received the first and the last entry of the list, RFC 3339; undefined if there is none. */
  readonly from: string | undefined
  readonly to: string | undefined
}

/**
 * Looks for all values that a key has sealed, also once it is destroyed. What lies in the packs of entries that the log has not, or has with
 * other digests, was never placed and does not count. Errors: DISK_FULL, DISK_FAILED, LOG_DAMAGED.
 */
export async function findValues(
  key: KeyId,
  sealed: Pick<SealedRoom, "entriesOf">,
  openView: () => Promise<LogView>,
  at: AtStep,
): Promise<SubjectValues> {
  const sealedAt = new Map<number, Set<string>>()
  const looked = (bytes: number, of: number): void => at("looking through the packs", bytes, of)
  for await (const { index, digest } of sealed.entriesOf([key], looked)) {
    const known = sealedAt.get(index)
    if (known === undefined) sealedAt.set(index, new Set([digest]))
    else known.add(digest)
  }
  const view = await openView()
  try {
    return await namedOf(sealedAt, view, at)
  } finally {
    await view.close()
  }
}

async function namedOf(
  sealedAt: ReadonlyMap<number, ReadonlySet<string>>,
  view: LogView,
  at: AtStep,
): Promise<SubjectValues> {
  const indexes = [...sealedAt.keys()].sort((a, b) => a - b)
  const list: EntryValues[] = []
  const inside: EntryValues[] = []
  let [first, last]: (number | undefined)[] = []
  for await (const { index, entry } of entriesAt(view, indexes)) {
    at("reading entries", list.length, indexes.length)
    const { named, isDeep } = digestsIn(entry.event)
    const all = [...(sealedAt.get(index) ?? [])]
    const own = all.filter((digest) => named.has(digest))
    const others = all.filter((digest) => !named.has(digest))
    if (isDeep && others.length > 0) inside.push({ index, digests: others })
    if (own.length === 0) continue
    list.push({ index, digests: own })
    first ??= entry.stamp.received
    last = entry.stamp.received
  }
  const text = (time: number | undefined) => (time === undefined ? undefined : formatTime(time))
  return { list, inside, from: text(first), to: text(last) }
}

function digestsIn(event: Readonly<Record<string, unknown>>): {
  readonly named: ReadonlySet<string>
  readonly isDeep: boolean
} {
  try {
    const places = new DigestPlaces(event)
    return { named: new Set(places.digests), isDeep: places.isDeep }
  } catch (error) {
    if (!isPosternError(error)) throw error
    return { named: new Set(), isDeep: false } // An entry that names too many was never sealed by a policy.
  }
}
