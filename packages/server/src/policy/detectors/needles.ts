/**
 * Words one of which stands in the bytes of every event in which secrets can be found: most events have none of them
 * and need not be looked at. Complete by construction, and held against the corpus and chance by a test.
 */
import { secretHeaders } from "./http.ts"
import { literals } from "./literals.ts"
import { compounds } from "./secret-names.ts"
import type { DetectorSettings } from "./settings.ts"

export interface NeedleText {
  readonly text: string
  readonly anyCase: boolean
}

const anyCase = (texts: readonly string[]): NeedleText[] =>
  texts.map((text) => ({ text, anyCase: true }))
const exactly = (texts: readonly string[]): NeedleText[] =>
  texts.map((text) => ({ text, anyCase: false }))

/** Escapes of JSON and of URLs, since they can hide everything else. */
const escapes = exactly(["\\u", ...[..."234567CDEFcdef"].map((digit) => `%${digit}`)])

const names = [
  ...["passw", "passp", "passc", "secret", "token", "credential", "pwd", "jwt", "bearer"],
  ...["cookie", "cvv", "cvc", "otp", "ssn"],
]
/** Every record of a Kubernetes API server has `authorization.k8s.io/decision`, which names no secret: a name ends with the word. */
const behindName = [..." !\"#$%&'()*+,-/:;<=>?@[\\]^_`{|}~0123456789"]
const authorization = [
  ...["", "."].flatMap((point) => behindName.map((behind) => `authorization${point}${behind}`)),
  "authorization..",
]
/** Short words end where a name ends: in bytes of JSON, of a text in it, or of markup. */
const shortNames = ["pin", "pass"].flatMap((word) =>
  [..."\"\\=: >'`"].map((behind) => `${word}${behind}`),
)
/** Keys are so many that what stands before them is told only where it is one word with them. */
function spelled([first = "", second = ""]: readonly string[]): string[] {
  const joints = /^keys?$/.test(second) ? [""] : ["", "_", "-", ".", " "]
  return joints.map((joint) => `${first}${joint}${second}`)
}

const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** What is certain of a text's base64 when one, two or no bytes of its group of three stand before it. */
export function base64Cores(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const bits = [..."\0".repeat(before), ...text]
      .map((char) => char.charCodeAt(0).toString(2).padStart(8, "0"))
      .join("")
    let core = ""
    for (let at = Math.ceil((before * 8) / 6) * 6; at + 6 <= bits.length; at += 6)
      core += base64[Number.parseInt(bits.slice(at, at + 6), 2)]
    return core
  })
}

const secretNeedles: readonly NeedleText[] = [
  ...escapes,
  ...anyCase([...names, ...authorization, ...shortNames]),
  ...anyCase(compounds.flatMap(([parts]) => spelled(parts))),
  ...anyCase(["_key", "-key", ".key", " key"]),
  ...exactly(literals.map(({ prefix }) => prefix)),
  ...exactly(literals.flatMap(({ prefix }) => base64Cores(prefix))),
  // JSON may escape either slash.
  ...exactly(["://", ":\\/", ":/\\/"]),
]

const packNeedles = {
  kubernetes: [
    // Bodies are where Secrets, token requests and the arguments of exec stand.
    ...exactly(["requestObject", "responseObject", "command=", "last-applied-configuration"]),
    ...anyCase(["token", "bootstrap", "kubeadm"]),
  ],
  vault: exactly(['"data"', '"auth"']),
  sql: anyCase([
    "select",
    "insert",
    "update",
    "delete",
    "merge",
    "replace",
    "call",
    "exec",
    "values",
    "user",
    "role",
    "login",
    "grant",
  ]),
  http: [...anyCase(secretHeaders), ...anyCase(["sig=", "signature=", "code="])],
} as const

/** Undefined if something has to see every event. */
export function needlesOf(settings: DetectorSettings): readonly NeedleText[] | undefined {
  const { groups, packs, patterns } = settings
  const others = [groups.cards, groups.accounts, groups.contacts, groups.addresses, groups.entropy]
  if ([...others, ...patterns.map((pattern) => pattern.do)].some((one) => one !== "off"))
    return undefined
  const all = [
    ...(groups.secrets === "off" ? [] : secretNeedles),
    ...packs.flatMap((pack): readonly NeedleText[] => packNeedles[pack]),
  ]
  const needed = all.length === 0 ? [] : [...escapes, ...all]
  return [...new Map(needed.map((needle) => [`${needle.anyCase} ${needle.text}`, needle])).values()]
}
