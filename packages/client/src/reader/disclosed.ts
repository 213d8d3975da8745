import { encodeUtf8, isPosternError } from "@postern/log/base"
import { digestsOf, discloseEvent } from "@postern/log/event"
import type { Asker } from "./ask.ts"
import type { LogEntry } from "./entry.ts"

/** An event with the values that are kept beside the log (docs/spec/disclosures.md). */
export interface DisclosedEvent {
  readonly event: Readonly<Record<string, unknown>>
  /** Digests of which the port had no value, and what it said: `missing`, `locked` or `damaged`. */
  readonly withheld: readonly { readonly digest: string; readonly state: string }[]
}

/** Asks for each value that the entry names. Nothing that comes is believed but what has the digest. */
export async function disclose(
  asker: Pick<Asker, "text">,
  { index, event }: LogEntry,
): Promise<DisclosedEvent> {
  let open: Readonly<Record<string, unknown>> = event
  const withheld: { digest: string; state: string }[] = []
  for (const digest of digestsOf(event)) {
    try {
      const json = await asker.text(`/v1/entries/${index}/disclosures/${digest}`)
      open = discloseEvent(open, [encodeUtf8(json)])
    } catch (error) {
      if (!isPosternError(error) || error.code !== "DISCLOSURE_MISSING") throw error
      withheld.push({ digest, state: error.detail ?? "missing" })
    }
  }
  return { event: open, withheld }
}
