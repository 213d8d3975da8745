import { encodeUtf8, isPosternError } from "@postern/log/base"
import { digestsOf, discloseEvent } from "@postern/log/event"
import type { Asker } from "./ask.ts"
import type { LogEntry } from "./entry.ts"

/** An event with the values that are kept beside the log (docs/spec/disclosures.md). */
export interface DisclosedEvent {
  readonly event: Readonly<Record<string, unknown>>
  /** Values that were put back. */
  readonly fetched: number
  /** Digests of which the port had no value, and what it said: `missing`, `locked`, `damaged` or `erased`. */
  readonly withheld: readonly WithheldValue[]
}

/** A value that the port did not hand out. */
export interface WithheldValue {
  readonly digest: string
  readonly state: string
  /** Of one that is erased: the entry that says so (docs/spec/erasure.md), by the port's word. */
  readonly entry?: number
}

/** Asks for each value that the entry names, or another value of it. Nothing that comes is believed but what has the digest. */
export async function disclose(
  asker: Pick<Asker, "text">,
  { index, event }: LogEntry,
): Promise<DisclosedEvent> {
  let open: Readonly<Record<string, unknown>> = event
  const withheld: WithheldValue[] = []
  let fetched = 0
  const isAsked = (digest: string) => withheld.some((one) => one.digest === digest)
  const next = () => digestsOf(open).find((digest) => !isAsked(digest))
  for (let digest = next(); digest !== undefined; digest = next()) {
    try {
      const json = await asker.text(`/v1/entries/${index}/disclosures/${digest}`)
      open = discloseEvent(open, [encodeUtf8(json)])
      fetched += 1
    } catch (error) {
      if (!isPosternError(error) || error.code !== "DISCLOSURE_MISSING") throw error
      const [state = "missing", entry] = (error.detail ?? "missing").split(" ")
      withheld.push({ digest, state, ...(entry !== undefined && { entry: Number(entry) }) })
    }
  }
  return { event: open, fetched, withheld }
}
