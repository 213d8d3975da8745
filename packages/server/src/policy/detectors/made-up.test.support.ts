/** Made-up secrets, put together here so that no scanner of a code host takes one for real. */
export const letters = {
  base62: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
  url64: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
  lower: "abcdefghijklmnopqrstuvwxyz0123456789",
  hex: "0123456789abcdef",
  digits: "0123456789",
} as const

/** The same characters for the same seed, on every machine. */
export function drawn(from: keyof typeof letters, length: number, seed: number): string {
  const set = letters[from]
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  let out = ""
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    out += set[state % set.length]
  }
  return out
}

/** A number of so many digits that begins like this and has the right check digit. */
export function cardNumber(beginning: string, length: number, seed: number): string {
  const body = beginning + drawn("digits", length - beginning.length - 1, seed)
  for (let check = 0; check < 10; check++)
    if (luhn(`${body}${check}`) === 0) return `${body}${check}`
  return body
}

function luhn(digits: string): number {
  const sum = [...digits].reverse().map((char, i) => {
    const doubled = Number(char) * (i % 2 === 0 ? 1 : 2)
    return doubled > 9 ? doubled - 9 : doubled
  })
  return sum.reduce((a, b) => a + b, 0) % 10
}

/** An IBAN of a country with the right check digits. */
export function iban(country: string, account: string): string {
  const digits = [...`${account}${country}00`].map((char) => Number.parseInt(char, 36)).join("")
  const check = 98n - (BigInt(digits) % 97n)
  return `${country}${String(check).padStart(2, "0")}${account}`
}

export function jwt(seed: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
  const claims = { sub: drawn("lower", 8, seed), exp: 1_900_000_000 + seed }
  return `${part({ alg: "ES256", typ: "JWT" })}.${part(claims)}.${drawn("url64", 43, seed)}`
}

export function pem(label: string, seed: number): string {
  return `-----BEGIN ${label}-----\n${drawn("base62", 64, seed)}\n-----END ${label}-----`
}

const wide = (text: string): string =>
  [...text].map((char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0)).join("")

/** Spellings of a word that look like it and are not its bytes. */
export const disguises = {
  wide,
  cyrillic: (text: string) => text.replace(/a/g, "а").replace(/e/g, "е").replace(/o/g, "о"),
  zeroWidth: (text: string) => [...text].join("\u200b"),
  accents: (text: string) => text.replace(/[ao]/g, (char) => `${char}\u0301`),
  percent: (text: string) =>
    [...text].map((char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`).join(""),
  escape: (text: string) =>
    [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
} as const
