/** What an entry of the port says of keys that it destroyed. */
export type SaidDestruction =
  /** A person's (docs/spec/erasure.md): all of it is said, and the entry with which it began. */
  | {
      readonly kind: "erased"
      readonly began: number
      readonly values: number
      readonly first: number | undefined
      readonly digest: string
    }
  /** Those of classes and months (docs/spec/retention.md). */
  | { readonly kind: "expired" }

/** Undefined for an entry that says nothing of the kind, or not what the port would have said. */
export function readDestruction(
  event: Readonly<Record<string, unknown>>,
): SaidDestruction | undefined {
  if (event.action === "postern.retention.keys-destroyed") return { kind: "expired" }
  if (event.action !== "postern.erased") return undefined
  const { began, values, first, digest } = Object(event.data) as Readonly<Record<string, unknown>>
  if (!isCount(began) || !isCount(values) || typeof digest !== "string") return undefined
  if (first !== undefined && !isCount(first)) return undefined
  return { kind: "erased", began, values, first, digest }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}
