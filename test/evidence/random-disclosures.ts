import { discloseDraft, type Made, madeOf, sealedMark } from "./crafted-disclosures.ts"
import { fileOf } from "./drafts.ts"
import type { Chance } from "./mutations.ts"
import { policy } from "./small-log.ts"
import type { Question } from "./verifiers.ts"

/** A leaf with disclosures whose digests are right, whatever is in them; some are withheld, strange or disclosed twice. */
export async function randomDisclosures(chance: Chance, number: number): Promise<Question> {
  const made: Made[] = []
  for (let n = 1 + chance.below(4); n > 0; n--) made.push(madeOf(randomJson(chance, made)))
  const often = chance.of([1000, 1000, 3])
  const kept = made.filter(() => chance.below(often) > 0)
  if (chance.below(12) === 0) kept.push(chance.of(made))
  if (chance.below(12) === 0) kept.push(madeOf(randomJson(chance, made)))
  if (chance.below(3) === 0) kept.reverse()
  const members = chance.of([
    "",
    "",
    "",
    ',"data":1',
    ',"__proto__":1',
    ',"_sd":[]',
    `,"x":{"_sd":[]}`,
  ])
  const texts = kept.map(({ text }) => text)
  const inside = holding(made, chance)
  const sealed = chance.below(2) === 0 ? "" : sealedMark(chance.of([1, 1, 1, 2, 0, "1"]))
  const draft = await discloseDraft(digestsOf(made, chance), texts, `${members}${inside}${sealed}`)
  return { name: `${number}: strange disclosures`, bytes: fileOf(draft), policy }
}

/** A member whose value holds some of the digests, as a policy leaves them behind, or nearly. */
function holding(made: readonly Made[], chance: Chance): string {
  if (chance.below(2) === 0) return ""
  const some = () => made.filter(() => chance.below(3) === 0).map(({ digest }) => digest)
  const elements = some().map((digest) => ({ "...": digest, ...chance.of([{}, {}, {}, { a: 1 }]) }))
  const inner = { _sd: chance.of([some(), some(), "", [...some(), 1]]), list: [0, ...elements] }
  return `,"inside":${JSON.stringify(chance.of<unknown>([inner, [inner], elements, { a: { b: inner } }]))}`
}

function digestsOf(made: readonly Made[], chance: Chance): unknown {
  const digests: unknown[] = made.map(({ digest }) => digest)
  if (chance.below(8) === 0) digests.push(chance.of([digests[0], "", 1, null, [], "é".repeat(43)]))
  return chance.below(30) === 0 ? { ...digests } : digests
}

/** A disclosure as it should be, or nearly. */
function randomJson(chance: Chance, made: readonly Made[]): string {
  const salt = `${chance.below(1e9)}`.padStart(
    chance.of([...Array(9).fill(23), 22, 128, 21, 129]),
    "s",
  )
  const name = chance.below(3) > 0 ? `name-${chance.below(50)}` : chance.of(names)
  const tokens = [
    "[",
    JSON.stringify(salt),
    ",",
    ...(chance.below(5) === 0 ? [] : [JSON.stringify(name), ","]),
    ...(chance.below(3) === 0 ? [holding(made, chance).slice(10) || "1"] : value(chance, 3)),
    "]",
  ]
  for (let odd = chance.of([0, 0, 0, 0, 0, 0, 1, 2]); odd > 0; odd--) {
    const at = chance.below(tokens.length + 1)
    tokens.splice(at, chance.below(2), chance.of(strange))
  }
  return tokens.join(chance.of([...Array(12).fill(""), " ", "\n\t", "\r", "\f"]))
}

const names = ["data", "labels", "reason", "", "__proto__", "_sd", "...", "é", "\ud800", "\0"]

const strange = [
  ..." \t\n\r\f\v\0\u00a0\u2028\ufeff",
  ...'[]{},:"\\',
  ...[
    "NaN",
    "Infinity",
    "-",
    "01",
    "1.",
    ".5",
    "1e",
    "1E+9",
    "-0",
    "tru",
    "null",
    "'a'",
    "//",
    "\ud800",
  ],
  ...[
    '"\\u00e9"',
    '"\\ud800"',
    '"\\x"',
    '"\\u12"',
    '"\\/"',
    '"\u0001"',
    '"\u2028"',
    "9".repeat(400),
  ],
]

function value(chance: Chance, depth: number): string[] {
  const kind = depth === 0 ? 2 + chance.below(4) : chance.below(6)
  const some = Array.from({ length: depth === 0 ? 0 : chance.below(4) }, () =>
    value(chance, depth - 1),
  )
  switch (kind) {
    case 0:
      return ["[", ...some.flatMap((one, i) => (i === 0 ? one : [",", ...one])), "]"]
    case 1: {
      const name = () => chance.of(['"a"', '"b"', '"\\u0061"', '"_sd"', '"__proto__"'])
      const members = some.map((one) => [name(), ":", ...one])
      return ["{", ...members.flatMap((one, i) => (i === 0 ? one : [",", ...one])), "}"]
    }
    case 2:
      return [chance.of(["0", "-1.5e-7", "12345678901234567890", "1e999"])]
    case 3:
      return [chance.of(["true", "false", "null"])]
    default:
      return [JSON.stringify(chance.of(["", "text", "\ud83d\udd12", '"]', "\\", "\ud800\n"]))]
  }
}
