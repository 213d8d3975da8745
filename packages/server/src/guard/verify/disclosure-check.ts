import { encodeUtf8, isPosternError } from "@postern/log/base"
import { DigestPlaces, digestsKey, disclosureDigest, parseEntry } from "@postern/log/event"
import { ErasedCheck, maySayErased } from "./erased-check.ts"
import type { Draft } from "./report.ts"

/** The value behind a digest of an entry, from wherever the log's values are kept. It is not believed. */
export type AskDisclosure = (
  index: number,
  digest: string,
) => Promise<
  | { readonly state: "held"; readonly json: Uint8Array }
  | { readonly state: "missing" | "locked" | "damaged" }
  /** Its key was destroyed; the entry that says so, as whoever has the keys names it. */
  | { readonly state: "erased"; readonly entry?: number }
>

const faults = {
  missing: "it was there when the entry was written, and no entry says that it was erased",
  locked: "the key that sealed it is gone, and no entry says that it was destroyed",
  damaged: "what is stored in its place does not open, or is something else",
} as const

/** The second one stands in events that the policy has sealed (docs/spec/policy.md). */
const marks = [`"${digestsKey}":[`, '"sealed":'].map((text) => Buffer.from(encodeUtf8(text)))

/** Whether one of them may name digests, without taking them apart. */
function mayNameDigests(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return marks.some((mark) => buffer.includes(mark))
}

/**
 * Whether the values are there that entries name by their digests (docs/spec/disclosures.md). The log itself holds without them, so
 * where nobody was named to ask, they are only counted.
 */
export class DisclosureCheck {
  readonly #draft: Pick<Draft<"disclosures">, "count" | "fail" | "omit" | "addFact">
  readonly #ask: AskDisclosure | undefined
  readonly #erased: ErasedCheck

  constructor(
    draft: Pick<Draft<"disclosures">, "count" | "fail" | "omit" | "addFact">,
    ask: AskDisclosure | undefined,
  ) {
    this.#draft = draft
    this.#ask = ask
    this.#erased = new ErasedCheck((where, what) => {
      draft.fail("disclosures", "disclosure-erased", where, what)
    })
    if (ask === undefined) draft.omit("disclosures")
  }

  /** Leaves ascend. */
  async leaf(leaf: Uint8Array, index: number): Promise<void> {
    if (this.#ask !== undefined) this.#erased.leaf(leaf, index)
    const places = mayNameDigests(leaf) ? placesIn(leaf) : undefined
    if (places === undefined) return
    if (this.#ask === undefined) {
      if (places.digests.length === 0) return
      this.#draft.addFact("valuesBesideTheLogNotChecked", places.digests.length)
      return
    }
    const named = new Set(places.digests)
    const asked = new Set<string>()
    const erased = new Map<number | undefined, string[]>()
    const next = () => places.digests.find((digest) => !asked.has(digest))
    for (let digest = next(); digest !== undefined; digest = next()) {
      asked.add(digest)
      const found = await this.#value(places, index, digest, this.#ask)
      if (found.state !== "erased") continue
      const known = erased.get(found.entry) ?? []
      // Of values inside of others no list can be made once those are erased, too.
      erased.set(found.entry, named.has(digest) ? [...known, digest] : known)
    }
    for (const [by, digests] of erased) this.#erased.values(index, digests, by)
  }

  /** The log begins with this entry. */
  beginsAt(index: number): void {
    this.#erased.beginsAt(index)
  }

  /** Every leaf was told. */
  finish(): void {
    this.#erased.finish()
  }

  async #value(
    places: DigestPlaces,
    index: number,
    digest: string,
    ask: AskDisclosure,
  ): Promise<Awaited<ReturnType<AskDisclosure>>> {
    this.#draft.count("disclosures")
    const found = await ask(index, digest)
    const where = `entry ${index}, value ${digest}`
    if (found.state === "held") {
      if (!isTaken(places, found.json, digest))
        this.#draft.fail("disclosures", "disclosure-damaged", where, faults.damaged)
    } else if (found.state !== "erased") {
      const { state } = found
      this.#draft.fail("disclosures", `disclosure-${state}`, where, faults[state])
    }
    return found
  }
}

/** Whether the check has to see any of these leaves. */
export function concernsValues(bytes: Uint8Array): boolean {
  return mayNameDigests(bytes) || maySayErased(bytes)
}

/** A leaf that is no entry is another check's finding. */
function placesIn(leaf: Uint8Array): DigestPlaces | undefined {
  try {
    return new DigestPlaces(parseEntry(leaf).event)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

/** What it names itself is asked for, too. */
function isTaken(places: DigestPlaces, json: Uint8Array, digest: string): boolean {
  if (disclosureDigest(json) !== digest) return false
  try {
    places.take(json)
    return true
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
}
