import { randomBytes } from "node:crypto"

/** Letters and digits that nobody takes for another one (Crockford's base 32). */
const letters = "0123456789abcdefghjkmnpqrstvwxyz"
const length = 32
const group = 4

/** 160 random bits in eight groups of four: `k3xd-…`. */
export function createPassphrase(): string {
  const text = [...randomBytes(length)].map((byte) => letters[byte % letters.length]).join("")
  return (text.match(new RegExp(`.{${group}}`, "g")) ?? []).join("-")
}

/** For two envelopes; who has one of them lacks 80 bits. */
export function halvesOf(passphrase: string): [string, string] {
  const middle = (passphrase.length - 1) / 2
  return [passphrase.slice(0, middle), passphrase.slice(middle + 1)]
}

/** As it is typed: case, hyphens and blanks mean nothing, and o, i, l are the digits that they look like. */
export function normalizePassphrase(typed: string): string {
  const text = typed.toLowerCase().replace(/[\s-]/g, "")
  return text.replaceAll("o", "0").replace(/[il]/g, "1")
}
