import fc from "fast-check"
import { expect, test } from "vitest"
import { openDetectors } from "../detectors/index.ts"
import type { Adapter, Detect } from "../rules/index.ts"
import { openSieve, type Sifted } from "./index.ts"
import {
  type Asked,
  oracle,
  type Style,
  squeeze,
  type Tree,
  world,
  writeTree,
} from "./oracle.test.support.ts"
import {
  events,
  hidesSome,
  makeDecision,
  pointers,
  shown,
  styles,
  transforms,
} from "./policies.test.support.ts"

const adapters = fc.constantFrom<Adapter>("postern", "http", "kubernetes")
const levels = fc.constantFrom("full", "request", "metadata" as const)
const doings = ["keep", "redact", "hmac", "tokenise", "truncate"] as const
const none: ReadonlySet<string> = new Set()

const detects = fc.option(
  fc.array(pointers, { maxLength: 2 }).map((allow): Detect => ({ ...hidesSome, allow })),
  { nil: undefined },
)

/** The event that the result holds, without `_policy`; white space aside. */
function withoutMark(bytes: Uint8Array): string {
  const mark = /^\s*\{"_policy":\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\},/
  const text = Buffer.from(bytes).toString()
  expect(text).toMatch(mark)
  expect(() => JSON.parse(text)).not.toThrow()
  return squeeze(text.replace(mark, "{"))
}

function sift(top: Tree, style: Style, asked: Asked, detect: Detect | undefined): Sifted {
  const { policy } = makeDecision(asked.decision.level, asked.decision.transforms)
  const sieve = openSieve({ ...policy, detect }, world, { shortLived: none })
  return sieve.sift(asked.decision, asked.adapter, Buffer.from(writeTree(top, style, true)))
}

const cases = fc.record({
  top: events("any"),
  style: styles,
  level: levels,
  adapter: adapters,
  chosen: transforms(doings),
  detect: detects,
})

function ask(one: typeof cases extends fc.Arbitrary<infer T> ? T : never): Asked {
  const { decision } = makeDecision(one.level, one.chosen)
  return {
    ...{ decision, adapter: one.adapter, style: one.style, top: one.top },
    allow: one.detect?.allow ?? [],
    hides: hidesBy(one.detect),
  }
}

function hidesBy(detect: Detect | undefined): Asked["hides"] {
  const detectors = detect && openDetectors(detect)
  return (text, name, kind) => (detectors?.look(text, name, [], kind) ?? []).length > 0
}

test("what is left is what plain words say, wherever names stand twice or are escaped", () => {
  fc.assert(
    fc.property(cases, (one) => {
      const asked = ask(one)
      const sifted = sift(one.top, one.style, asked, one.detect)
      expect(sifted.refused).toBeUndefined()
      const before = squeeze(writeTree(one.top, one.style, true))
      const expected = squeeze(writeTree(oracle(asked), one.style, true))
      const left = sifted.bytes === undefined ? before : withoutMark(sifted.bytes)
      expect(left, shown(one.chosen)).toBe(expected)
      expect(sifted.bytes === undefined).toBe(sifted.did.length === 0)
    }),
    { numRuns: 1_500 },
  )
})

test("a text of the result stood in the event, or says by its form what took its place", () => {
  const form = /^(?:h1:[0-9a-f]{8}:[\w-]{43}|t1:[0-9a-f]{8}:[\w-]{22}|\[redacted\])$/
  fc.assert(
    fc.property(cases, (one) => {
      const { bytes } = sift(one.top, one.style, ask(one), one.detect)
      if (bytes === undefined) return
      const before = writeTree(one.top, one.style, true)
      const known = new Set(textsOf(before))
      const texts = textsOf(withoutMark(bytes))
      const isOurs = texts.includes("truncated")
      const ours = isOurs ? ["truncated", "bytes", "digest"] : []
      for (const [i, text] of texts.entries()) {
        const isBeginning = texts[i - 1] === "truncated"
        const stands = known.has(text) || form.test(text) || ours.includes(text) || isBeginning
        expect(stands, text).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

function textsOf(json: string): string[] {
  return [...json.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([text]) => JSON.parse(text) as string)
}

const secrets: Detect = {
  ...hidesSome,
  patterns: [],
  groups: { ...hidesSome.groups, secrets: "hmac" },
}

test("an event that mentions no needle is left alone, and what it mentions changes nothing else", () => {
  let silent = 0
  fc.assert(
    fc.property(cases, fc.boolean(), (one, isDetecting) => {
      const { policy, decision } = makeDecision(one.level, one.chosen)
      const detect = isDetecting ? secrets : undefined
      const sieve = openSieve({ ...policy, detect }, world, { shortLived: none })
      const event = writeTree(one.top, one.style, true)
      const need = sieve.need(decision, one.adapter)
      const folded = event.toLowerCase()
      const mentions = sieve.needles
        .filter(({ text, anyCase }) => (anyCase ? folded : event).includes(text))
        .reduce((mask, { group }) => mask | (1 << group), 0)
      if (need === "always") return
      if (sieve.beyondAscii && /[^\0-\x7f]/.test(event)) return
      const sift = (mentioned?: number) =>
        sieve.sift(decision, one.adapter, Buffer.from(event), mentioned)
      if ((need & mentions) !== 0) {
        expect(sift(need & mentions)).toEqual(sift())
        return
      }
      silent += 1
      expect(sieve.sift(decision, one.adapter, Buffer.from(event)).bytes).toBeUndefined()
    }),
    { numRuns: 1_000 },
  )
  expect(silent).toBeGreaterThan(50)
})
