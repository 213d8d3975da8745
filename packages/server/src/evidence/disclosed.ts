import { isPosternError } from "@postern/log/base"
import { DigestPlaces } from "@postern/log/event"
import type { DisclosureSource } from "../disclosures/index.ts"
import type { LogView } from "../disk/index.ts"
import { entryOf, type IndexedLeaf, readLeaves } from "./leaf-reading.ts"

/** The values of chosen leaves that can be in a file. */
export interface Disclosed {
  readonly source: DisclosureSource | undefined
  /** By leaf. */
  readonly digests: ReadonlyMap<number, readonly string[]>
  readonly count: number
}

/** Looks each of them up, so that it is known how many there are before anything is written. @param leaves ascending */
export async function findDisclosed(
  view: LogView,
  leaves: readonly number[],
  source: DisclosureSource | undefined,
): Promise<Disclosed> {
  const digests = new Map<number, string[]>()
  let count = 0
  if (source === undefined) return { source, digests, count }
  for await (const leaf of readLeaves(view, leaves)) {
    const held = await heldOf(leaf, source)
    if (held.length > 0) digests.set(leaf.index, held)
    count += held.length
  }
  return { source, digests, count }
}

/** The second one stands in events that the policy has sealed. */
const marks = ['"_sd"', '"sealed":'].map((text) => Buffer.from(text))

/** Digests of the values that are there, and go back into the entry (docs/spec/evidence.md). */
async function heldOf(leaf: IndexedLeaf, source: DisclosureSource): Promise<string[]> {
  // A port takes no member's name that is written with an escape, so few leaves need be parsed.
  const { buffer, byteOffset, length } = leaf.leaf
  const bytes = Buffer.from(buffer, byteOffset, length)
  if (!marks.some((mark) => bytes.includes(mark))) return []
  const places = new DigestPlaces(entryOf(leaf).event)
  const held: string[] = []
  const asked = new Set<string>()
  // A value comes before those that it names itself.
  for (let next = places.digests; next.length > 0; next = places.digests) {
    const fresh = next.filter((digest) => !asked.has(digest))
    if (fresh.length === 0) break
    for (const digest of fresh) {
      asked.add(digest)
      const found = await source.read(digest, leaf.index)
      if (found.state === "held" && isTaken(places, found.json)) held.push(digest)
    }
  }
  return held
}

/** False if it makes no sense in its entry, whatever its digest: a writer made it. */
function isTaken(places: DigestPlaces, json: Uint8Array): boolean {
  try {
    places.take(json)
    return true
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
}
