import { createHmac } from "node:crypto"

/** Whose key: a person's, or that of a class of events in one month (docs/spec/disclosures.md, Personal keys). */
export type KeyName =
  | { readonly subject: string }
  | { readonly class: string; readonly month: string }

/** A key of the ring, for ever: a number is never given twice, and the mark tells two rings apart. */
export interface KeyId {
  /** From 0; its record's place in the file. */
  readonly number: number
  /** 8 random bytes, hex. */
  readonly mark: string
}

/** A key in the clear. Whoever has it can open what was sealed with it. */
export interface DataKey {
  readonly id: KeyId
  /** 32 bytes, secret. */
  readonly secret: Uint8Array
}

export const secretBytes = 32
export const tagBytes = 16
const pseudonymBytes = 16

/** What a key is looked up by. Says nothing of the name to whoever has not the look-up key. */
export function tagOf(lookupKey: Uint8Array, name: KeyName): Buffer {
  return createHmac("sha256", lookupKey).update(nameText(name)).digest().subarray(0, tagBytes)
}

/** One text for each name; stays in memory. */
export function nameText(name: KeyName): string {
  return "subject" in name ? `subject\0${name.subject}` : `class\0${name.class}\0${name.month}`
}

/** What stands in events instead of the name: always the same while the key is there, and nobody's once it is gone. */
export function pseudonymUnder(secret: Uint8Array): string {
  const mac = createHmac("sha256", secret).update("postern-pseudonym/v1").digest()
  return `p1:${mac.subarray(0, pseudonymBytes).toString("base64url")}`
}

/** What salts of the subject's values are made with: who has it not, or not any more, can test no guess of a value. */
export function saltKeyUnder(secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update("postern-personal-salt/v1").digest()
}

export function formatKeyId({ number, mark }: KeyId): string {
  return `${number}-${mark}`
}

/** Undefined for anything but what formatKeyId gives. */
export function parseKeyId(text: string): KeyId | undefined {
  const [, number, mark] = /^(0|[1-9]\d{0,8})-([0-9a-f]{16})$/.exec(text) ?? []
  return number === undefined || mark === undefined ? undefined : { number: Number(number), mark }
}
