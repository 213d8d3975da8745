import { isPosternError } from "@postern/log/base"
import { digestsOf, parseDisclosure } from "@postern/log/event"
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

const mark = Buffer.from('"_sd"')

/** Digests of the values that are there, and go back into the entry (docs/spec/evidence.md). */
async function heldOf(leaf: IndexedLeaf, source: DisclosureSource): Promise<string[]> {
  // A port takes no member's name that is written with an escape, so few leaves need be parsed.
  const { buffer, byteOffset, length } = leaf.leaf
  if (Buffer.from(buffer, byteOffset, length).indexOf(mark) < 0) return []
  const { event } = entryOf(leaf)
  const names = new Set(Object.keys(event))
  const held: string[] = []
  for (const digest of new Set(digestsOf(event))) {
    const found = await source.read(digest)
    const name = found.state === "held" ? nameOf(found.json) : undefined
    if (name === undefined || names.has(name)) continue
    names.add(name)
    held.push(digest)
  }
  return held
}

/** Undefined if it is no disclosure, whatever its digest: the writer made it. */
function nameOf(json: Uint8Array): string | undefined {
  try {
    return parseDisclosure(json).name
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}
