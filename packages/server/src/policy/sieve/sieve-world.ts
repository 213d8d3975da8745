/** Whose key a value that leaves an event is sealed with: a person's, or that of a class and the month. */
export type Under = { readonly subject: string } | { readonly class: string }

/** What the sieve needs of the world: keys. */
export interface SieveWorld {
  /** HMAC-SHA-256 of the parts, joined with 0x00, under the current key: its kid and 32 bytes in base64url. The parts are only there during the call. */
  mac(parts: readonly Uint8Array[]): { readonly kid: string; readonly digest: string }
  /**
   * A value that leaves an event: its disclosure, its digest, and for a subject the pseudonym as it is to stand there. Stores nothing: the caller
   * does, once the entry has its place.
   * @param name undefined for an element of an array, whose disclosure has none (RFC 9901 §4.2.2)
   * @param value is only there during the call, as `item` is
   * @param item the event's bytes as they came
   * @param at where the value stands in the item, in bytes; no other value of it that is handed in has this place. The salt must
   * depend on it: values that are equal, with equal names, would else have one digest, which may not stand in an event twice
   */
  keepOut(
    under: Under,
    name: string | undefined,
    value: Uint8Array,
    item: Uint8Array,
    at: number,
  ): {
    readonly digest: string
    readonly json: Uint8Array
    readonly pseudonym: string | undefined
  }
}
