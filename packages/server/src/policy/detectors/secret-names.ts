/**
 * Which names say that what they name is a secret: `dbPassword`, `client-secret`, `X-Api-Key`, but not `tokenCount`,
 * `secretName` or `nextPageToken`. What is named stands last in a name, so the last words decide.
 */
import { foldName } from "./folding.ts"
import { remembered } from "./remembered.ts"

/** `text`: any text; `header`: like `authorization`, whose value may be a mere word; `number`: a number of so many digits. */
export interface SecretName {
  readonly name: "secret-name" | "azure-key" | "card-verification" | "pin"
  readonly kind: "text" | "list" | "header" | "number"
  /** For `number`: how many digits. */
  readonly digits?: readonly [least: number, most: number]
}

const text: SecretName = { name: "secret-name", kind: "text" }
const list: SecretName = { name: "secret-name", kind: "list" }
const header: SecretName = { name: "secret-name", kind: "header" }
const azure: SecretName = { name: "azure-key", kind: "text" }
const number = (name: SecretName["name"], least: number, most: number): SecretName => ({
  ...{ name, kind: "number", digits: [least, most] },
})
const verification = number("card-verification", 3, 4)
const oneTime = number("secret-name", 4, 10)
const social = number("secret-name", 9, 9)

/** One word, which may also end a longer one written together: `pgpassword`, `clientsecret`. */
const endings: readonly (readonly [string, SecretName])[] = [
  ...(["password", "passwd", "passphrase", "passcode", "secret"] as const).map(
    (ending) => [ending, text] as const,
  ),
  ["token", list],
  ...(["passwords", "passphrases", "secrets", "tokens", "credential", "credentials"] as const).map(
    (ending) => [ending, list] as const,
  ),
]

/** One word that must stand alone. */
const words = new Map<string, SecretName>([
  ...(["pwd", "jwt"] as const).map((word) => [word, text] as const),
  ...(["authorization", "cookie", "cookies", "bearer"] as const).map(
    (word) => [word, header] as const,
  ),
  ...(["cvv", "cvv2", "cvc", "cvc2"] as const).map((word) => [word, verification] as const),
  ...(["otp", "totp"] as const).map((word) => [word, oneTime] as const),
  ["ssn", social],
])

/** Words so short that they begin or end many others: only where nothing stands behind them. */
const shortWords = new Map<string, SecretName>([
  ["pass", text],
  ["pin", number("pin", 3, 12)],
])

/** Two or three words, in any spelling that puts at most one character between them. */
export const compounds: readonly (readonly [readonly string[], SecretName])[] = [
  ...[
    ...["api", "access", "private", "secret", "signing", "encryption", "decryption", "master"],
    ...["shared", "hmac", "subscription", "session", "function", "functions"],
  ].map((first) => [[first, "key"], text] as const),
  ...["api", "access", "private", "secret"].map((first) => [[first, "keys"], list] as const),
  [["account", "key"], azure],
  [["storage", "key"], azure],
  [["connection", "string"], text],
  [["seed", "phrase"], text],
  [["recovery", "phrase"], text],
  [["recovery", "code"], text],
  [["recovery", "codes"], list],
  [["backup", "codes"], list],
  [["security", "code"], verification],
  [["card", "code"], verification],
  [["verification", "value"], verification],
  [["mfa", "code"], oneTime],
  [["pin", "code"], number("pin", 3, 12)],
  [["pin", "number"], number("pin", 3, 12)],
  [["social", "security"], social],
  [["security", "number"], social],
]

/** Behind the name proper, and without weight. */
const suffixes = new Set([
  ...["value", "plain", "plaintext", "clear", "cleartext", "raw", "string", "old", "new"],
  ...[
    "current",
    "confirm",
    "confirmation",
    "confirmed",
    "repeat",
    "again",
    "base64",
    "b64",
    "text",
  ],
  ...["input", "field", "header"],
])
const bySuffix = new Set(["hash", "digest"])

/** Before a name: then it says whether there is one, or which page comes next. */
const questions = new Set([
  ...["is", "has", "had", "needs", "need", "requires", "require", "must", "can", "should", "allow"],
  ...["allows", "enable", "enabled", "disable", "disabled", "no", "without", "use", "uses", "min"],
  ...["max", "total", "count", "num"],
])
const markers = new Set([
  ...["page", "next", "prev", "previous", "continuation", "continue", "sync", "cursor", "delta"],
  ...["pagination", "cancellation", "cancel", "prompt", "completion", "input", "output", "change"],
  ...["watch", "skip", "unexpected", "fencing", "stop", "start", "end", "special", "design"],
])

/** In no other name is there anything to judge. */
const hint = new RegExp(
  [
    ...[...endings.map(([ending]) => ending), ...words.keys(), ...shortWords.keys()],
    ...new Set(compounds.map(([[, second]]) => second)),
  ].join("|"),
  "i",
)

const nameMax = 128

const judgedName = remembered((name): SecretName | null => {
  const meant = foldName(name.slice(-nameMax))
  return (hint.test(meant) ? judge(meant) : undefined) ?? null
})

/** Undefined for a name that says nothing of the kind. */
export function secretNameOf(name: string): SecretName | undefined {
  return judgedName(name) ?? undefined
}

/** The same for a name of ASCII letters inside a text, of which there may be any number: what says nothing is not remembered. */
export function secretNameWithin(name: string): SecretName | undefined {
  return hint.test(name) ? secretNameOf(name) : undefined
}

/** Lower-case words; an empty one where more stands between two than one of `_ - .` and a space. */
function split(name: string): string[] {
  const parted = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
  return parted
    .toLowerCase()
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "")
    .replace(/[^a-z0-9_. -]/g, "__")
    .split(/[_. -]/)
}

function judge(name: string): SecretName | undefined {
  const parts = split(name)
  const isTail = parts.length > 1 && (suffixes.has(last(parts)) || /^\d{1,2}$/.test(last(parts)))
  const compound = byCompound(parts)
  if (compound !== undefined) return compound
  const short = /[A-Za-z0-9]$/.test(name) ? shortWords.get(last(parts)) : undefined
  if (short !== undefined) return isQuestion(parts) ? undefined : short
  if (isTail) parts.pop()
  const isHash = parts.length > 1 && bySuffix.has(last(parts))
  if (isHash) parts.pop()
  const judged = byCompound(parts) ?? byWord(parts)
  if (judged === undefined || (isTail && judged.kind !== "text" && judged.kind !== "list"))
    return undefined
  return isHash && !/^pass/.test(last(parts)) ? undefined : judged
}

function byCompound(parts: readonly string[]): SecretName | undefined {
  const tail = last(parts)
  const before = parts.at(-2) ?? ""
  for (const [[first = "", second = ""], judged] of compounds) {
    if (tail === second && before === first) return judged
    if (tail.endsWith(second) && tail.endsWith(first + second)) return judged
  }
  return undefined
}

/** `hasPassword`, `requiresToken`. */
function isQuestion(parts: readonly string[]): boolean {
  return questions.has(parts.at(-2) ?? "") || questions.has(parts[0] ?? "")
}

function byWord(parts: readonly string[]): SecretName | undefined {
  const tail = last(parts).replace(/(?<=[a-z])\d{1,2}$/, (digits) =>
    /^cv[vc]2/.test(last(parts)) ? digits : "",
  )
  const before = parts.at(-2) ?? ""
  if (isQuestion(parts)) return undefined
  const alone = words.get(tail)
  if (alone !== undefined && (alone.kind !== "number" || tail === last(parts))) return alone
  const ending = endings.find(([word]) => tail.endsWith(word))
  if (ending === undefined) return undefined
  const isToken = ending[0].startsWith("token")
  return isToken && (markers.has(before) || isMarked(tail)) ? undefined : ending[1]
}

/** `nextpagetoken`, written together. */
function isMarked(tail: string): boolean {
  const rest = tail.replace(/tokens?$/, "")
  return rest !== "" && [...markers].some((marker) => rest.endsWith(marker))
}

function last(parts: readonly string[]): string {
  return parts.at(-1) ?? ""
}
