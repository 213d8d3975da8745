import { encodeUtf8, isPosternError } from "@postern/log/base"
import {
  digestsKey,
  digestsOf,
  disclosureDigest,
  parseDisclosure,
  parseEntry,
} from "@postern/log/event"
import type { Draft } from "./report.ts"

/** The value behind a digest of an entry, from wherever the log's values are kept. It is not believed. */
export type AskDisclosure = (
  index: number,
  digest: string,
) => Promise<
  | { readonly state: "held"; readonly json: Uint8Array }
  | { readonly state: "missing" | "locked" | "damaged" }
>

const faults = {
  missing: "it was there when the entry was written, and no entry says that it was erased",
  locked: "the key that sealed it is gone, and no entry says that it was destroyed",
  damaged: "what is stored in its place does not open, or is something else",
} as const

const mark = Buffer.from(encodeUtf8(`"${digestsKey}":[`))

/** Whether a leaf, or several one after the other, may name digests; without taking them apart. */
export function mayNameDigests(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(mark)
}

/**
 * Whether the values are there that entries name by their digests (docs/spec/disclosures.md). The log itself holds without them, so
 * where nobody was named to ask, they are only counted.
 */
export class DisclosureCheck {
  readonly #draft: Pick<Draft<"disclosures">, "count" | "fail" | "omit" | "addFact">
  readonly #ask: AskDisclosure | undefined

  constructor(
    draft: Pick<Draft<"disclosures">, "count" | "fail" | "omit" | "addFact">,
    ask: AskDisclosure | undefined,
  ) {
    this.#draft = draft
    this.#ask = ask
    if (ask === undefined) draft.omit("disclosures")
  }

  async leaf(leaf: Uint8Array, index: number): Promise<void> {
    for (const digest of mayNameDigests(leaf) ? namedBy(leaf) : []) {
      if (this.#ask === undefined) {
        this.#draft.addFact("valuesBesideTheLogNotChecked", 1)
        continue
      }
      this.#draft.count("disclosures")
      const found = await this.#ask(index, digest)
      const where = `entry ${index}, value ${digest}`
      if (found.state !== "held") {
        const { state } = found
        this.#draft.fail("disclosures", `disclosure-${state}`, where, faults[state])
      } else if (!isDisclosure(found.json, digest)) {
        this.#draft.fail("disclosures", "disclosure-damaged", where, faults.damaged)
      }
    }
  }
}

/** A leaf that is no entry is another check's finding. */
function namedBy(leaf: Uint8Array): readonly string[] {
  try {
    return digestsOf(parseEntry(leaf).event)
  } catch (error) {
    if (isPosternError(error)) return []
    throw error
  }
}

function isDisclosure(json: Uint8Array, digest: string): boolean {
  if (disclosureDigest(json) !== digest) return false
  try {
    parseDisclosure(json)
    return true
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
}
