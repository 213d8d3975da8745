import fc from "fast-check"
import { allOf, anyOf, type Bound, negate, type Query, type Test } from "./query.ts"

/** Queries as parseQuery could make them, about few names and letters, so that many hold. */
const name = fc.stringMatching(/^[a-b/"\\*é ,-]{0,3}$/)
const numeric = fc.constantFrom("1", "1.0", "-1", "10", "2e0", "9", "true", "null")
const text = fc.oneof(name, numeric)
const token = fc.constantFrom("a", "b", "ab", "aé", "1", "0", "10", "true", "x")
const path = fc.constantFrom(
  ...["data.n", "data.a.b", "data.list", "data.list.a", "data", "targets.id", "actor.type", "v"],
  ...["actor", "target", "writer", "source", "id"],
)
const instant = fc.constantFrom(
  ...["1970", "1970-01", "1970-01-01", "1970-01-02", "1970-01-01T00:00:01Z"],
  ...["1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:01.5Z", "1969-12-31T23:00:00-01:00"],
)
const network = fc.constantFrom(
  { groups: [0, 0, 0, 0, 0, 0xffff, 0x0a00, 0], bits: 104 },
  { groups: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], bits: 32 },
)

const rangeOf = (low: fc.Arbitrary<string>): fc.Arbitrary<Test> => {
  const bound = fc.record<Bound>({ text: low, isInclusive: fc.boolean() })
  return fc
    .record({
      from: fc.option(bound, { nil: undefined }),
      to: fc.option(bound, { nil: undefined }),
    })
    .filter(({ from, to }) => (from ?? to) !== undefined)
    .map((range) => ({ kind: "range", ...range }))
}

const test: fc.Arbitrary<Test> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("equals" as const), text }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("prefix" as const), text }) },
  { weight: 2, arbitrary: rangeOf(text) },
  fc.record({ kind: fc.constant("network" as const), network }),
)

const field = (names: fc.Arbitrary<string>, tests: fc.Arbitrary<Test>): fc.Arbitrary<Query> =>
  fc.record({
    kind: fc.constant("field" as const),
    path: names.map((dotted) => dotted.split(".")),
    test: tests,
  })

const whole = fc.nat(12).map(String)
const leafQuery: fc.Arbitrary<Query> = fc.oneof(
  { weight: 6, arbitrary: field(path, test) },
  field(fc.constantFrom("received", "time"), rangeOf(instant)),
  field(
    fc.constantFrom("stream", "index"),
    fc.oneof(
      whole.map((number): Test => ({ kind: "equals", text: number })),
      rangeOf(whole),
    ),
  ),
  field(path, fc.constant({ kind: "prefix", text: "" })),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("words" as const),
      words: fc.array(token, { minLength: 1, maxLength: 2 }),
      begun: fc.boolean(),
    }),
  },
  fc.constant<Query>({ kind: "all" }),
)

/** Any query, with AND, OR and NOT up to three deep. */
export const anyQuery: fc.Arbitrary<Query> = fc.letrec<{ query: Query }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 3, arbitrary: leafQuery },
    { weight: 1, arbitrary: fc.array(tie("query"), { minLength: 2, maxLength: 3 }).map(allOf) },
    { weight: 1, arbitrary: fc.array(tie("query"), { minLength: 2, maxLength: 3 }).map(anyOf) },
    { weight: 1, arbitrary: tie("query").map(negate) },
  ),
})).query

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    { weight: 4, arbitrary: text },
    fc.constantFrom<unknown>(...[1, 1.5, -1, 10, 2, 0, true, false, null]),
    fc.constantFrom("10.1.2.3", "10.1.2.3:443", "2001:db8::1", "192.168.0.1"),
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("a", "b", "n", "list"), tie("value"), { maxKeys: 2 }),
  ),
})).value
const party = fc.record({ type: text, id: fc.oneof(text, value) })
const plain = fc.stringMatching(/^[ab1/.]{1,3}$/)

/** Events as a port takes them: whatever stands in actor, targets and data. */
export const anyEvent = fc.record({
  id: plain,
  time: fc.constantFrom("1970-01-01T00:00:01Z", "1970-01-02T00:00:00.0000011Z"),
  source: plain,
  action: fc.constantFrom("a.b", "b"),
  outcome: fc.constantFrom("success", "denied"),
  actor: fc.oneof(party, fc.constant({})),
  targets: fc.array(fc.oneof(party, value), { maxLength: 2 }),
  v: fc.constant(1),
  data: fc.dictionary(fc.constantFrom("n", "a", "list"), value, { maxKeys: 3 }),
})

/** JSON of an event with a choice of escapes and spacing, as far as a port takes them: not at its top. */
export function spell(event: object, choices: readonly boolean[]): string {
  let i = 0
  const chance = () => choices[i++ % choices.length] === true
  const written = (letter: string) => {
    if (letter === "/" && chance()) return "\\/"
    const hex = letter.charCodeAt(0).toString(16).padStart(4, "0")
    return chance() && letter.length === 1 ? `\\u${hex}` : JSON.stringify(letter).slice(1, -1)
  }
  const write = (inner: unknown): string => {
    if (typeof inner === "string") return `"${[...inner].map(written).join("")}"`
    if (typeof inner === "number" && chance()) return inner.toExponential()
    if (Array.isArray(inner)) return `[${inner.map(write).join(chance() ? " , " : ",")}]`
    if (typeof inner !== "object" || inner === null) return JSON.stringify(inner)
    return `{${Object.entries(inner).map((member) => member.map(write).join(chance() ? ": " : ":"))}}`
  }
  const members = Object.entries(event).map(([key, inner]) => {
    const isOpen = ["actor", "targets", "data"].includes(key)
    return `"${key}":${isOpen ? write(inner) : JSON.stringify(inner)}`
  })
  return `{${members.join(",")}}`
}
