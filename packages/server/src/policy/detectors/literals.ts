/**
 * Secrets that say by their first characters what they are. Each is looked for wherever it stands, in the middle of
 * a word as well, and needs as many characters of its alphabet behind the prefix as a real one has at least.
 */
import { type Finding, noFindings } from "./hit.ts"
import { type Alphabet, alnum, alphabet, endOf, hex, upperAlnum, url64, word } from "./letters.ts"

interface Shape {
  readonly name: string
  readonly body: Alphabet
  readonly least: number
}

export interface Literal extends Shape {
  readonly prefix: string
}

const of = (name: string, body: Alphabet, least: number, ...prefixes: string[]): Literal[] =>
  prefixes.map((prefix) => ({ name, prefix, body, least }))

const dotted = alphabet(/[A-Za-z0-9._-]/)

/** `jwt` and `private-key` have a shape of their own, below. */
export const literals: readonly Literal[] = [
  ...of("aws-access-key", upperAlnum, 16, "AKIA", "ASIA"),
  ...of("github-token", alnum, 30, "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
  ...of("github-token", word, 36, "github_pat_"),
  ...of("gitlab-token", url64, 20, "glpat-", "glrt-", "gldt-", "glptt-"),
  ...of("slack-token", url64, 16, "xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-"),
  ...of("stripe-key", alnum, 16, "sk_live_", "rk_live_"),
  ...of("google-key", url64, 35, "AIza"),
  ...of("google-token", url64, 20, "ya29."),
  ...of("sendgrid-key", dotted, 60, "SG."),
  ...of("npm-token", alnum, 36, "npm_"),
  ...of("pypi-token", url64, 32, "pypi-AgEI"),
  ...of("vault-token", url64, 20, "hvs.", "hvb.", "hvr."),
  ...of("digitalocean-token", hex, 64, "dop_v1_", "doo_v1_", "dor_v1_"),
  ...of("age-key", upperAlnum, 50, "AGE-SECRET-KEY-1"),
  ...of("eks-token", url64, 20, "k8s-aws-v1."),
  ...of("bearer-token", dotted, 16, "Bearer ", "bearer "),
  ...of("jwt", url64, 10, "eyJ"),
  ...of("private-key", word, 0, "-----BEGIN"),
]

/** By the first two characters: the first one's code times 128, and the second one's. */
const byPair = new Array<readonly Literal[] | undefined>(128 * 128).fill(undefined)
for (const literal of literals) {
  const pair = literal.prefix.charCodeAt(0) * 128 + literal.prefix.charCodeAt(1)
  byPair[pair] = [...(byPair[pair] ?? []), literal]
}

function literalAt(text: string, at: number): Literal | undefined {
  const first = text.charCodeAt(at)
  const second = text.charCodeAt(at + 1)
  if (first > 127 || !(second < 128)) return undefined
  return byPair[first * 128 + second]?.find(({ prefix }) => text.startsWith(prefix, at))
}

/** Linear: what is a hit is stepped over, and what is none has been looked at for no more than a line. */
export function findLiterals(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  let jwtFrom = 0
  for (let at = 0; at < text.length; at++) {
    const literal = literalAt(text, at)
    if (literal === undefined) continue
    const body = at + literal.prefix.length
    let hit: Finding | undefined
    if (literal.name === "private-key") hit = privateKeyAt(text, at)
    else if (literal.name !== "jwt") hit = plainAt(text, at, body, literal)
    else if (at >= jwtFrom) {
      const judged = jwtAt(text, at)
      if (typeof judged === "number") jwtFrom = judged
      else hit = judged
    }
    if (hit === undefined) continue
    found ??= []
    found.push(hit)
    at = hit.to - 1
  }
  return found ?? noFindings
}

function plainAt(text: string, at: number, body: number, literal: Literal): Finding | undefined {
  const { name, least } = literal
  if (endOf(text, body, literal.body, least) < body + least) return undefined
  if (name === "slack-token" && !/\d/.test(text.slice(body, body + least))) return undefined
  const to = endOf(text, body, literal.body)
  if (name !== "bearer-token") return { name, from: at, to, whole: true }
  return /\d/.test(text.slice(body, to)) ? { name, from: body, to, whole: false } : undefined
}

/** From the first dash to the last line, or to the end of a text that was cut. */
function privateKeyAt(text: string, at: number): Finding | undefined {
  const label = text.slice(at, at + 80)
  if (!/^-----BEGIN[A-Z0-9 ]{0,48}PRIVATE KEY/.test(label)) return undefined
  const last = text.indexOf("-----END", at)
  const to = last === -1 ? text.length : Math.min(text.length, last + "-----END".length)
  return { name: "private-key", from: at, to, whole: true }
}

/**
 * A JWS in compact form, signed or not, or a JWE: what stands behind the header. A number is where a header may
 * begin next: within one run of the alphabet the answer is the same for all.
 */
function jwtAt(text: string, at: number): Finding | number {
  const headerEnd = endOf(text, at, url64)
  if (headerEnd - at < 10) return headerEnd
  if (text[headerEnd] !== ".") return headerEnd
  const from = headerEnd + 1
  const secondEnd = endOf(text, from, url64)
  if (text[secondEnd] !== ".") return from
  const isSigned = text.startsWith("eyJ", from)
  let [end, dots] = [endOf(text, secondEnd + 1, url64), 2]
  while (!isSigned && dots < 4 && text[end] === ".") {
    end = endOf(text, end + 1, url64)
    dots++
  }
  if (!isSigned && dots < 4) return from
  return { name: "jwt", from, to: end, whole: false }
}
