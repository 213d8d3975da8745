/** Policies and decisions as the rules make them, without a file. */
import fc from "fast-check"
import {
  anyDepth,
  anyOne,
  type Decision,
  type Detect,
  formatPointer,
  keepEverything,
  type Level,
  type Pointer,
  type Policy,
  parsePointer,
  type Transform,
} from "../rules/index.ts"
import type { Tree } from "./oracle.test.support.ts"

export function pointer(text: string): Pointer {
  const read = parsePointer(text)
  if ("wrong" in read) throw new Error(`${text} ${read.wrong}`)
  return read
}

export const off: Detect = {
  groups: {
    ...{ secrets: "off", cards: "off", accounts: "off" },
    ...{ contacts: "off", addresses: "off", entropy: "off" },
  },
  packs: [],
  patterns: [],
  allow: [],
}

/** One that hides every text and number in which there is an `e`, a `9` or `ab`. */
export const hidesSome: Detect = {
  ...off,
  patterns: [{ name: "some", pattern: "e|9|ab", do: "hmac" }],
}

export function makeDecision(
  level: Level,
  transforms: readonly Transform[],
  changes: Partial<Decision> = {},
): { policy: Policy; decision: Decision } {
  const rule = {
    ...{ name: "only", match: {}, level, transforms },
    ...{ sample: undefined, deduplicateSeconds: undefined },
  }
  const policy: Policy = {
    ...keepEverything,
    digest: "0123456789abcdef".repeat(4),
    text: "rules",
    rules: [rule],
    unmatched: "metadata",
  }
  const decision: Decision = {
    ...{ class: "read", mandatory: false, rule, level, transforms },
    ...{ sample: undefined, deduplicateSeconds: undefined },
    ...changes,
  }
  return { policy, decision }
}

/** Names among which pointers and events meet, hostile ones included. */
const names = [
  ...["a", "b", "id", "idClear", "kubernetes", "requestObject", "responseObject", "password"],
  ...[
    "__proto__",
    "constructor",
    "",
    "a/b",
    "m~n",
    "*",
    "**",
    "0",
    "1",
    "é",
    "😀",
    'q"q',
    "t\tt",
    "\\",
  ],
]

/**
 * Others than those that a library for SD-JWT trips over, or JSON.parse() of Node 24: where an object before had a name `\`, it reads
 * one that begins with an escape as `\` too.
 */
const harmless = names.filter((name) => !["__proto__", "idClear", "", "\\"].includes(name))
/** Also those that would be digests of somebody else's. */
const everyName = [...harmless, "idClear", "_sd", "..."]

const texts = fc.oneof(
  fc.constantFrom("alice", "", "1", "x".repeat(40), "é".repeat(20), "😀".repeat(12)),
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 30 }),
)
const scalars = fc.oneof(
  texts,
  fc.constantFrom(true, false, null),
  fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
)

function trees(from: readonly string[], isUnique: boolean): fc.Arbitrary<Tree> {
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      scalars.map((value): Tree => ({ kind: "scalar", value })),
      fc.array(tie("tree"), { maxLength: 4 }).map((items): Tree => ({ kind: "array", items })),
      membersOf(tie("tree"), from, isUnique),
    ),
  }))
  return tree
}

function membersOf(
  tree: fc.Arbitrary<Tree>,
  from: readonly string[],
  isUnique: boolean,
): fc.Arbitrary<Tree> {
  const member = fc.tuple(fc.constantFrom(...from), tree)
  const members = isUnique
    ? fc.uniqueArray(member, { maxLength: 5, selector: ([name]) => name })
    : fc.array(member, { maxLength: 5 })
  return members.map((all): Tree => ({ kind: "object", members: all }))
}

const required: readonly (readonly [string, Tree])[] = [
  ...["id", "time", "source", "action", "outcome"].map(
    (name) => [name, { kind: "scalar", value: `${name} e9` }] as const,
  ),
]

export const optionalNames = [
  ...["reason", "origin", "request", "response", "trace", "labels", "data"],
  ...["onBehalfOf", "changes", "subjects"],
]

const records = fc.oneof(
  fc
    .constantFrom("alice", "plain", "password=hunter2", "9", "é9", "\xff9", "\xffplain")
    .map((one) => Buffer.from(one, "latin1")),
  fc.string({ maxLength: 40 }).map((one) => Buffer.from(one)),
  fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one)),
)
const originals = fc
  .tuple(
    fc.option(fc.constantFrom("otlp", "otlp", "line"), { nil: undefined }),
    fc.oneof(
      { weight: 5, arbitrary: records.map((one) => one.toString("base64")) },
      { weight: 1, arbitrary: fc.oneof(scalars, texts) },
    ),
    fc.boolean(),
  )
  .map(([format, bytes, isFirst]): readonly (readonly [string, Tree])[] => {
    const named: readonly (readonly [string, Tree])[] = [
      ["bytes", { kind: "scalar", value: bytes }],
    ]
    if (format === undefined) return named
    const said = ["format", { kind: "scalar", value: format }] as const
    return isFirst ? [said, ...named] : [...named, said]
  })

/** The data of an event that was made of a record: what the format said, and the record in base64. */
function withOriginal(data: Tree, original: readonly (readonly [string, Tree])[]): Tree {
  return data.kind === "object" ? { ...data, members: [...data.members, ...original] } : data
}

/** Events with members in any order. */
export function events(kind: "any" | "unique" | "hostile"): fc.Arbitrary<Tree> {
  const from = kind === "any" ? names : kind === "unique" ? harmless : everyName
  const tree = trees(from, kind === "unique")
  const inside = membersOf(tree, from, kind === "unique")
  const original = fc.oneof(originals, fc.constant([]))
  const member = fc.tuple(fc.constantFrom(...optionalNames, "tenant", "actor", "targets"), inside)
  const optional = fc.uniqueArray(member, { maxLength: 13, selector: ([name]) => name })
  return fc.tuple(optional, fc.nat(), original).map(([chosen, seed, made]) => {
    const more = chosen.map(([name, next]): readonly [string, Tree] => {
      if (name === "tenant") return [name, { kind: "scalar", value: "e9" }]
      const value = name === "data" ? withOriginal(next, made) : next
      const isList = ["targets", "onBehalfOf", "changes", "subjects"].includes(name)
      return [name, isList ? { kind: "array", items: [value, value] } : value]
    })
    const members = [...required, ...more]
    const turn = seed % members.length
    return { kind: "object", members: [...members.slice(turn), ...members.slice(0, turn)] }
  })
}

const steps = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Pointer[number]>(...names, "bytes") },
  { weight: 1, arbitrary: fc.constant<Pointer[number]>(anyOne) },
)

/** As parsePointer() takes them. */
export const pointers: fc.Arbitrary<Pointer> = fc
  .tuple(
    fc.constantFrom("actor", "targets", ...optionalNames),
    fc.array(fc.tuple(fc.boolean(), steps), { minLength: 1, maxLength: 4 }),
  )
  .map(([root, inside]): Pointer => {
    const rest = inside.flatMap(
      ([isDeep, step]): Pointer => (isDeep && typeof step === "string" ? [anyDepth, step] : [step]),
    )
    return [root, ...rest]
  })

export function transforms(doings: readonly Transform["do"][]): fc.Arbitrary<readonly Transform[]> {
  const one = fc.tuple(
    pointers,
    fc.constantFrom(...doings),
    fc.integer({ min: 16, max: 40 }),
    fc.constantFrom("/actor/id", "/actor/a", "/data/0", "/targets/1/id").map(pointer),
  )
  return fc.array(
    one.map(([at, what, bytes, subject]): Transform => {
      if (what === "truncate") return { at, do: what, bytes }
      return what === "personal" ? { at, do: what, subject } : { at, do: what }
    }),
    { maxLength: 6 },
  )
}

export const shown = (all: readonly Transform[]): string =>
  all.map((one) => `${one.do} ${formatPointer(one.at)}`).join(", ")

export const styles = fc.record({
  escaped: fc.constantFrom("", "a", "pi/", "abdiorsw"),
  space: fc.constantFrom("", " ", "\n\t"),
})
