import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { anyDepth, anyOne, type Detect, type PointerStep, type Transform } from "../rules/index.ts"
import { openSieve, type Sifted } from "./index.ts"
import { matches, world } from "./oracle.test.support.ts"
import { noAct, Paths } from "./paths.ts"
import { makeDecision, off, pointer, pointers, shown, transforms } from "./policies.test.support.ts"

const start =
  '"id":"1","time":"2026-11-22T12:00:00Z","source":"app://a","action":"a.read","outcome":"success",' +
  '"actor":{"type":"user","id":"alice"},"targets":[]'
const doings = ["redact", "hmac", "tokenise", "truncate", "personal", "keep"] as const
const secrets: Detect = { ...off, groups: { ...off.groups, secrets: "hmac" } }

function sift(data: string, chosen: readonly Transform[], detect?: Detect): Sifted {
  const { policy, decision } = makeDecision("full", chosen)
  const sieve = openSieve({ ...policy, detect }, world, { shortLived: new Set() })
  return sieve.sift(decision, "http", Buffer.from(`{${start},"data":${data}}`))
}

const nested = (levels: number, inside: string) =>
  `${'{"a":['.repeat(levels / 2)}${inside}${"]}".repeat(levels / 2)}`

/** Each about as large as an entry may be. */
const large: Record<string, string> = {
  members: `{${Array.from({ length: 7_000 }, (_, i) => `"${i % 90}":${i}`)}}`,
  elements: `{"a":[${"0,".repeat(30_000)}0]}`,
  text: `{"a":"${"x".repeat(64_000)}"}`,
  escapes: `{"a":"${"\\u0061".repeat(10_600)}"}`,
  backslashes: `{"a":"${"\\\\".repeat(32_000)}"}`,
  names: `{${Array.from({ length: 5_000 }, () => '"p\\u0061":1')}}`,
  name: `{"${"n".repeat(60_000)}":{"a":{"a":1},"b":[1,2,3]}}`,
  space: `{"a"${" ".repeat(60_000)}:1}`,
  deep: `{"a":[${Array.from({ length: 600 }, () => nested(26, "1"))}]}`,
  objects: `{"a":[${'{"id":1},'.repeat(7_000)}{}]}`,
}

const everywhere = [
  "/data/**/a",
  "/data/*",
  "/data/*/*",
  "/data/**/id",
  "/data/**/p~1a",
  "/data/a/*/a/*/a",
]

describe("of a large event", () => {
  test.each(Object.keys(large))(
    "of many %s whatever is wanted is done, or it is refused",
    (kind) => {
      const data = large[kind] as string
      for (const what of doings) {
        const chosen = everywhere.map(
          (at): Transform => ({
            ...{ at: pointer(at), do: what, bytes: 16, subject: pointer("/actor/id") },
          }),
        )
        for (const order of [chosen, [...chosen].reverse()]) {
          const { bytes, refused } = sift(data, order, secrets)
          if (bytes !== undefined) JSON.parse(Buffer.from(bytes).toString())
          else if (what !== "keep" && what !== "truncate") expect(refused, what).toBeDefined()
        }
      }
    },
  )

  test("no more keyed digests are made than an entry has room for", () => {
    let count = 0
    const { policy, decision } = makeDecision("full", [{ at: pointer("/data/a/*"), do: "hmac" }])
    const counting = {
      ...world,
      mac(parts: readonly Uint8Array[]) {
        count += 1
        return world.mac(parts)
      },
    }
    const sieve = openSieve(policy, counting, { shortLived: new Set() })
    const sifted = sieve.sift(decision, "http", Buffer.from(`{${start},"data":${large.elements}}`))
    expect(sifted).toMatchObject({ refused: "EVENT_TOO_LARGE", bytes: undefined, keptOut: [] })
    expect(count).toBeLessThan(1_300)
  })
})

test("an event may be as deep as the scanner takes", () => {
  const deepest = nested(30, '"x"')
  expect(() => JSON.parse(`{${start},"data":${deepest}}`)).not.toThrow()
  const at = pointer("/data/**/a/0")
  expect(sift(deepest, [{ at, do: "redact" }]).bytes).toBeDefined()
  expect(sift(deepest, [], { ...secrets, patterns: [] }).bytes).toBeUndefined()
  const leaf = pointer(`/data${"/a/0".repeat(15)}`)
  const left = Buffer.from(sift(deepest, [{ at: leaf, do: "redact" }]).bytes ?? []).toString()
  expect(left).toContain(nested(30, '"[redacted]"'))
})

const path = fc.array(fc.constantFrom("a", "b", "id", "0", "1", "", "*", "**", "é", "a/b"), {
  minLength: 1,
  maxLength: 6,
})

test("the automaton knows a place as the pointers say it", () => {
  fc.assert(
    fc.property(
      fc.array(pointers, { maxLength: 6 }),
      fc.array(pointers, { maxLength: 3 }),
      fc.constantFrom("data", "actor", "request"),
      path,
      (wanted, quiet, root, rest) => {
        const paths = new Paths(wanted, quiet)
        const names = [root, ...rest]
        let place = paths.root()
        for (const name of names) {
          place = paths.enter(place, Buffer.from(name).toString("latin1"))
        }
        const first = wanted.findIndex((one) => matches(one, names))
        expect(place.act).toBe(first === -1 ? noAct : first)
        expect(place.isQuiet).toBe(quiet.some((one) => matches(one, names)))
      },
    ),
    { numRuns: 2_000 },
  )
})

test("pointers with more half-matches than can be counted end all the same", () => {
  const deep = ["a", "b", "c"].map((name): Transform => {
    const stars = Array.from({ length: 26 }, (): PointerStep => anyOne)
    return { at: ["data", anyDepth, name, ...stars, "end"], do: "redact" }
  })
  const names = "abcabacbbaccabcbacabcbaabcbcab"
  const event = [...names].reduceRight((inside, name) => `{"${name}":${inside}}`, "1")
  for (let turn = 0; turn < 300; turn++) {
    const turned = event.replaceAll("a", "abc"[turn % 3] as string)
    expect(sift(turned, deep).bytes).toBeUndefined()
  }
})

test("events whose names come by chance go through whatever the policy", () => {
  const chosen = transforms(doings)
  fc.assert(
    fc.property(fc.json({ maxDepth: 8, stringUnit: "binary" }), chosen, (json, all) => {
      const sifted = sift(`{"a":${json}}`, all, secrets)
      const left = sifted.bytes && JSON.parse(Buffer.from(sifted.bytes).toString())
      if (left !== undefined) expect(left.id, shown(all)).toBe("1")
    }),
    { numRuns: 300 },
  )
})
