/** The sieve once more, as slow and as plain as it can be said: over trees, by recursion, one value at a time. */
import { createHash, createHmac } from "node:crypto"
import type { Decision, Transform } from "../rules/index.ts"
import { type Adapter, anyDepth, anyOne, formatPointer, type Pointer } from "../rules/index.ts"
import type { SieveWorld, Under } from "./index.ts"

/** JSON of which every member is kept, also where names stand twice. */
export type Tree =
  | { readonly kind: "scalar"; readonly value: string | number | boolean | null }
  | { readonly kind: "raw"; readonly json: string }
  | { readonly kind: "array"; readonly items: readonly Tree[] }
  | { readonly kind: "object"; readonly members: readonly (readonly [string, Tree])[] }

/** How a tree is written: which characters are escaped below the top level, and what stands between tokens. */
export interface Style {
  readonly escaped: string
  readonly space: string
}

export function writeTree(tree: Tree, style: Style, isTop = false): string {
  const { space } = style
  if (tree.kind === "raw") return tree.json
  if (tree.kind === "scalar") {
    return typeof tree.value === "string"
      ? writeText(tree.value, style)
      : JSON.stringify(tree.value)
  }
  if (tree.kind === "array") {
    return `[${space}${tree.items.map((item) => writeTree(item, style)).join(`${space},`)}]`
  }
  const members = tree.members.map(([name, value]) => {
    // The name that the sieve itself writes is compared as it writes it.
    const written = isTop || name === "_sd" ? JSON.stringify(name) : writeText(name, style)
    return `${written}${space}:${space}${writeTree(value, style)}`
  })
  return `{${space}${members.join(`${space},${space}`)}${space}}`
}

function writeText(text: string, { escaped }: Style): string {
  const letters = JSON.stringify(text)
    .slice(1, -1)
    .split(/(\\u....|\\.|)/u)
  const written = letters.map((letter) => {
    if (letter.length !== 1 || !escaped.includes(letter)) return letter
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`
  })
  return `"${written.join("")}"`
}

/** JSON without the white space between tokens. */
export function squeeze(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1")
}

/** Keys and disclosures that are the same for everybody who asks twice. */
export const world: SieveWorld = {
  mac(parts) {
    const hash = createHmac("sha256", "key")
    for (const [i, part] of parts.entries()) hash.update(i === 0 ? "" : "\0").update(part)
    return { kid: "0badc0de", digest: hash.digest("base64url") }
  },
  keepOut(under, name, value, item, at) {
    const salt = digestOf(`${at} ${Buffer.from(item).toString()}`).slice(0, 22)
    const start = name === undefined ? [salt] : [salt, name]
    const head = start.map((part) => JSON.stringify(part)).join()
    const json = Buffer.from(`[${head},${Buffer.from(value).toString()}]`)
    return {
      digest: digestOf(json.toString("base64url")),
      json,
      pseudonym: "subject" in under ? pseudonymOf(under.subject) : undefined,
    }
  },
}

export const pseudonymOf = (subject: string) => `p1:${digestOf(subject).slice(0, 22)}`

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url")
}

const mac = (...parts: (string | Uint8Array)[]) => {
  const { kid, digest: text } = world.mac(parts.map((part) => Buffer.from(part as string)))
  return { kid, text, bytes: Buffer.from(text, "base64url") }
}

export function h1(pointer: string, value: string): string {
  const { kid, text } = mac("hmac", pointer, value)
  return `h1:${kid}:${text}`
}

export function t1(value: string): string {
  const { kid, bytes } = mac("token", value)
  return `t1:${kid}:${Buffer.from(bytes).subarray(0, 16).toString("base64url")}`
}

export function matches(pointer: Pointer, path: readonly string[]): boolean {
  const [step, ...rest] = pointer
  if (step === undefined) return path.length === 0
  if (step === anyDepth) {
    return path.some((_, from) => matches(rest, path.slice(from)))
  }
  const [name, ...inside] = path
  if (name === undefined) return false
  return (step === anyOne || step === name) && matches(rest, inside)
}

const cuts: Record<string, readonly string[]> = {
  "request postern": ["/response"],
  "metadata postern": ["/response", "/request", "/changes", "/labels", "/data"],
  "request kubernetes": ["/data/kubernetes/responseObject"],
  "metadata kubernetes": ["/data/kubernetes/responseObject", "/data/kubernetes/requestObject"],
}

export interface Asked {
  readonly decision: Decision
  readonly adapter: Adapter
  readonly style: Style
  readonly top: Tree
  readonly allow: readonly Pointer[]
  /** What a detector hides: whole texts and numbers, by their characters. */
  readonly hides: (text: string, name: string | undefined, kind: "string" | "bytes") => boolean
}

const gone = Symbol("gone")
const leaves = Symbol("leaves")
type Left = Tree | typeof gone | typeof leaves

const roots = new Set(
  "actor targets reason origin request response trace labels data onBehalfOf changes subjects".split(
    " ",
  ),
)

/** What is left of the event; what left for a person is named `_sd` or `...` with the value `0`. */
export function oracle(asked: Asked): Tree {
  const touched: string[] = []
  const left = leaveAll({ ...asked, touched, original: "stays" })
  return touched.length > 0 ? leaveAll({ ...asked, touched: [], original: "goes" }) : left
}

/** What one go through the event takes along. */
interface Going extends Asked {
  /** Places where something was hidden, that of the original aside. */
  readonly touched: string[]
  /** Whether the bytes that the event was made of go with what was hidden beside them. */
  readonly original: "stays" | "goes"
}

function leaveAll(asked: Going): Tree {
  const { top } = asked
  if (top.kind !== "object") throw new Error("not an event")
  const members = top.members.flatMap(([name, value]): [string, Tree][] => {
    const left = roots.has(name)
      ? leave(asked, value, [name], Number.POSITIVE_INFINITY, false)
      : value
    return typeof left === "symbol" ? [] : [[name, left]]
  })
  return { kind: "object", members }
}

const isOriginal = (path: readonly string[]) => path.join("/") === "data/bytes"

/** The characters that `data.bytes` stands for. */
function decoded(
  tree: Tree,
): { readonly text: string; readonly kind: "string" | "bytes" } | undefined {
  if (tree.kind !== "scalar" || typeof tree.value !== "string" || tree.value === "")
    return undefined
  const bytes = Buffer.from(tree.value, "base64")
  if (bytes.toString("base64").replace(/.=*$/, "") !== tree.value.replace(/.=*$/, ""))
    return undefined
  if (!/^[^=]+={0,2}$/.test(tree.value) || tree.value.length % 4 !== 0) return undefined
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes)
    ? { text, kind: "string" }
    : { text: bytes.toString("latin1"), kind: "bytes" }
}

function isDecodedBeside(top: Tree): boolean {
  if (top.kind !== "object") return false
  return top.members.some(([name, data]) => {
    if (name !== "data" || data.kind !== "object") return false
    return data.members.some(
      ([one, value]) => one === "format" && value.kind === "scalar" && value.value === "otlp",
    )
  })
}

function leave(
  asked: Going,
  tree: Tree,
  path: readonly string[],
  keptBefore: number,
  wasQuiet: boolean,
): Left {
  const { decision, adapter, style } = asked
  const cutKey = `${decision.level} ${adapter === "kubernetes" ? adapter : "postern"}`
  if ((cuts[cutKey] ?? []).includes(`/${path.join("/")}`)) return gone
  const at = decision.transforms.findIndex((one) => matches(one.at, path))
  const wanted = at !== -1 && at < keptBefore ? decision.transforms[at] : undefined
  const isKept = wanted?.do === "keep"
  if (isOriginal(path) && !isKept && asked.original === "goes") {
    const hidden = leave({ ...asked, original: "stays" }, tree, path, keptBefore, wasQuiet)
    const isShown = isTruncated(hidden) || isSame(hidden, tree, style)
    const goes = isShown && decoded(tree) !== undefined && isDecodedBeside(asked.top)
    return goes ? text("[redacted]") : hidden
  }
  const isQuiet = wasQuiet || isKept || asked.allow.some((pointer) => matches(pointer, path))
  const kept = isKept ? at : keptBefore
  if (wanted !== undefined && !isKept) {
    if (wanted.do !== "truncate") return touch(asked, path, transformed(asked, wanted, tree))
    const whole = wholeOf(tree, style)
    if (whole !== undefined && Buffer.byteLength(whole) > (wanted.bytes ?? 0)) {
      const inside = entered(asked, tree, path, kept, isQuiet)
      return touch(asked, path, truncated(wanted, tree, whole, !isSame(inside, tree, style)))
    }
  }
  return entered(asked, tree, path, kept, isQuiet)
}

function touch(asked: Going, path: readonly string[], left: Left): Left {
  if (!isOriginal(path)) asked.touched.push(path.join("/"))
  return left
}

function isSame(left: Left, tree: Tree, style: Style): boolean {
  return typeof left !== "symbol" && writeTree(left, style) === writeTree(tree, style)
}

/** What is truncated: a text's characters, the JSON of what has something inside. */
function wholeOf(tree: Tree, style: Style): string | undefined {
  if (tree.kind !== "scalar") return writeTree(tree, style)
  return typeof tree.value === "string" ? Buffer.from(tree.value).toString() : undefined
}

function truncated(
  { at, bytes = 0 }: Transform,
  _tree: Tree,
  whole: string,
  isHidden: boolean,
): Tree {
  let shown = ""
  for (const letter of isHidden ? "" : whole) {
    if (Buffer.byteLength(shown + letter) > bytes) break
    shown += letter
  }
  const digest = h1(formatPointer(at), whole)
  const value = { truncated: shown, bytes: Buffer.byteLength(whole), digest }
  return { kind: "raw", json: JSON.stringify(value) }
}

function isTruncated(left: Left): boolean {
  return typeof left !== "symbol" && left.kind === "raw" && left.json.startsWith('{"truncated":')
}

function transformed({ style, top }: Asked, transform: Transform, tree: Tree): Left {
  const value = macValue(tree, style)
  if (transform.do === "hmac") return text(h1(formatPointer(transform.at), value))
  if (transform.do === "tokenise") return text(t1(value))
  if (transform.do === "personal") {
    const subject = subjectOf(top, transform.subject ?? [])
    if (subject !== undefined) return leaves
  }
  return text("[redacted]")
}

function text(value: string): Tree {
  return { kind: "raw", json: JSON.stringify(value) }
}

function macValue(tree: Tree, style: Style): string {
  if (tree.kind === "scalar" && typeof tree.value === "string") return tree.value
  if (tree.kind === "scalar" && Number.isSafeInteger(tree.value)) return String(tree.value)
  return writeTree(tree, style)
}

export function subjectOf(top: Tree, pointer: Pointer): string | undefined {
  let found: Tree | undefined = top
  for (const name of pointer) {
    if (found?.kind === "object") found = found.members.findLast(([one]) => one === name)?.[1]
    else if (found?.kind === "array" && /^(?:0|[1-9]\d*)$/.test(String(name))) {
      found = found.items[Number(name)]
    } else found = undefined
  }
  if (found?.kind !== "scalar") return undefined
  const isText = typeof found.value === "string" && found.value !== ""
  return isText || Number.isSafeInteger(found.value) ? String(found.value) : undefined
}

function entered(
  asked: Going,
  tree: Tree,
  path: readonly string[],
  kept: number,
  isQuiet: boolean,
): Tree {
  if (tree.kind === "raw") return tree
  if (tree.kind === "scalar") {
    const name = path.at(-1)
    const characters = typeof tree.value === "string" ? tree.value : JSON.stringify(tree.value)
    const inside = isOriginal(path) ? decoded(tree) : undefined
    const isHidden =
      asked.hides(characters, name, "string") ||
      (inside !== undefined && asked.hides(inside.text, name, inside.kind))
    if (isQuiet || !isHidden) return tree
    touch(asked, path, tree)
    return text(h1("detected", macValue(tree, asked.style)))
  }
  const inside = (value: Tree, name: string) => leave(asked, value, [...path, name], kept, isQuiet)
  if (tree.kind === "array") {
    const items = tree.items.map((item, i): Tree => {
      const left = inside(item, String(i))
      return typeof left === "symbol" ? { kind: "raw", json: '{"...":0}' } : left
    })
    return { kind: "array", items }
  }
  return { kind: "object", members: membersLeft(asked, tree.members, path, inside) }
}

const digests: readonly [string, Tree] = ["_sd", { kind: "raw", json: "0" }]

function membersLeft(
  asked: Going,
  members: readonly (readonly [string, Tree])[],
  path: readonly string[],
  inside: (value: Tree, name: string) => Left,
): (readonly [string, Tree])[] {
  let isOpen = true
  return members.flatMap(([name, value]) => {
    const left = inside(value, name)
    if (left === gone) return []
    if (left !== leaves) return [[name, left] as const]
    const slot = isOpen ? [digests] : []
    isOpen = false
    if (name !== "id") return slot
    const transform = asked.decision.transforms.find((one) => matches(one.at, [...path, name]))
    const subject = subjectOf(asked.top, transform?.subject ?? []) ?? ""
    return [[name, text(pseudonymOf(subject))] as const, ...slot]
  })
}

export type { Under }
