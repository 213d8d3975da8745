import { isPosternError } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { keyActions } from "@postern/log/evidence"

/** Of the port's own entries, those that a verifier draws conclusions from. */
export type OwnEntry =
  | { readonly kind: "started"; readonly receiptKey: string; readonly certificate: string }
  | { readonly kind: "opened"; readonly stream: string; readonly framed: boolean }
  | { readonly kind: "closed"; readonly open: number; readonly next: number }
  | {
      readonly kind: "gap"
      readonly open: number
      readonly sequence: number
      readonly count: number
    }
  /** Entries below `to` went, and the tree of so many has this root (base64). */
  | { readonly kind: "pruned"; readonly to: number; readonly root: string }
  /** About the log key. */
  | { readonly kind: "key" }
  | { readonly kind: "other" }

/**
 * Reads an entry of the port's own stream. Undefined if it is not an entry, or says less than the port would have
 * said. Whoever can write the directory has written it: its members are taken for what they are.
 */
export function readOwnEntry(leaf: Uint8Array): OwnEntry | undefined {
  let event: Readonly<Record<string, unknown>>
  try {
    ;({ event } = parseEntry(leaf))
  } catch (error) {
    if (!isPosternError(error)) throw error
    return undefined
  }
  const data = (typeof event.data === "object" && event.data !== null ? event.data : {}) as Record<
    string,
    unknown
  >
  switch (event.action) {
    case "postern.started": {
      const { receiptKey, certificate } = data
      if (typeof receiptKey !== "string" || typeof certificate !== "string") return undefined
      return { kind: "started", receiptKey, certificate }
    }
    case "postern.stream.opened": {
      const { stream, framed } = data
      if (typeof stream !== "string" || typeof framed !== "boolean") return undefined
      if (framed && !/^[0-9a-f]{32}$/.test(stream)) return undefined
      return { kind: "opened", stream, framed }
    }
    case "postern.stream.closed": {
      const { open, next } = data
      return isCount(open) && isCount(next) ? { kind: "closed", open, next } : undefined
    }
    case "postern.stream.gap": {
      const { open, sequence, count } = data
      if (!isCount(open) || !isCount(sequence) || !isCount(count)) return undefined
      return { kind: "gap", open, sequence, count }
    }
    case "postern.retention.pruned": {
      const { to, root } = data
      return isCount(to) && typeof root === "string" ? { kind: "pruned", to, root } : undefined
    }
    case keyActions.rolled:
    case keyActions.retired:
      return { kind: "key" }
    default:
      return { kind: "other" }
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}
