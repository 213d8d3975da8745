/** Somebody else's library for SD-JWT makes of what the sieve left, and of what it kept out, the event that came. */
import { createHash } from "node:crypto"
import { decodeSdJwtSync, getClaimsSync } from "@sd-jwt/decode"
import fc from "fast-check"
import { expect, test } from "vitest"
import type { Transform } from "../rules/index.ts"
import { openSieve, type Sifted } from "./index.ts"
import { oracle, type Style, squeeze, type Tree, world, writeTree } from "./oracle.test.support.ts"
import {
  events,
  makeDecision,
  optionalNames,
  shown,
  styles,
  transforms,
} from "./policies.test.support.ts"

const hasher = (data: string | ArrayBuffer, algorithm: string): Uint8Array => {
  const bytes = typeof data === "string" ? data : new Uint8Array(data)
  return createHash(algorithm.replace("-", "")).update(bytes).digest()
}

const encode = (bytes: string | Uint8Array) => Buffer.from(bytes as string).toString("base64url")

function unpack(event: Uint8Array, disclosures: readonly Uint8Array[]): Record<string, unknown> {
  const jwt = `${encode('{"alg":"none"}')}.${encode(event)}.`
  const decoded = decodeSdJwtSync([jwt, ...disclosures.map(encode), ""].join("~"), hasher)
  return getClaimsSync(decoded.jwt.payload, decoded.disclosures, hasher)
}

/** Identifiers back in the place of their pseudonyms. */
function withIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withIds)
  if (typeof value !== "object" || value === null) return value
  const { idClear, ...members } = value as Record<string, unknown>
  const isOurs = typeof members.id === "string" && members.id.startsWith("p1:")
  if (idClear !== undefined && isOurs) members.id = idClear
  else if (idClear !== undefined) members.idClear = idClear
  return Object.fromEntries(Object.entries(members).map(([name, inner]) => [name, withIds(inner)]))
}

function sift(top: Tree, style: Style, chosen: readonly Transform[], isShortLived = false): Sifted {
  const { policy, decision } = makeDecision("full", chosen)
  const shortLived = new Set(isShortLived ? ["read"] : [])
  const sieve = openSieve(policy, world, { shortLived })
  return sieve.sift(decision, "http", Buffer.from(writeTree(top, style, true)))
}

function open({ bytes, keptOut }: Sifted): unknown {
  const { _policy, ...event } = unpack(
    bytes as Uint8Array,
    keptOut.map(({ json }) => json),
  )
  expect(_policy).toBeDefined()
  return withIds(event)
}

/** What came, but for the record that an event was made of where the stamp says so: nothing else is redacted here. */
function cameOf(event: string, { bytes }: Sifted): unknown {
  const came = JSON.parse(event)
  const did: string[] = JSON.parse(Buffer.from(bytes as Uint8Array).toString())._policy.did ?? []
  if (did.some((one) => one.startsWith("redact "))) came.data.bytes = "[redacted]"
  return came
}

/** Every `_sd` and every `{"...":…}` of a text without its digests. */
const bare = (json: string) =>
  squeeze(json)
    .replace(/"_sd":\[[^\]]*\]/g, '"_sd":0')
    .replace(/\{"\.\.\.":"[\w-]{43}"\}/g, '{"...":0}')
    .replace(/^\{"_policy":\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\},/, "{")

const cases = fc.record({
  top: events("unique"),
  style: styles,
  chosen: transforms(["personal", "personal", "keep", "hmac", "truncate"]),
})

test("what is left has digests where values were, and everything else as it was", () => {
  fc.assert(
    fc.property(cases, ({ top, style, chosen }) => {
      const sifted = sift(top, style, chosen)
      expect(sifted.refused).toBeUndefined()
      const { decision } = makeDecision("full", chosen)
      const hides = () => false
      const expected = oracle({ decision, adapter: "http", style, top, allow: [], hides })
      const left = sifted.bytes ?? Buffer.from(writeTree(top, style, true))
      expect(bare(Buffer.from(left).toString()), shown(chosen)).toBe(
        squeeze(writeTree(expected, style, true)),
      )
    }),
    { numRuns: 800 },
  )
})

/** Nobody is not there, so that nothing is redacted for want of a subject. */
const alice: readonly [string, Tree] = [
  "actor",
  { kind: "object", members: [["id", { kind: "scalar", value: "alice" }]] },
]

const personal = fc
  .record({
    top: events("hostile"),
    style: styles,
    chosen: transforms(["personal", "personal", "personal", "keep"]),
    isShortLived: fc.boolean(),
  })
  .map(({ top, chosen, ...rest }) => {
    const others = top.kind === "object" ? top.members.filter(([name]) => name !== "actor") : []
    return {
      ...rest,
      top: { kind: "object", members: [alice, ...others] } as Tree,
      chosen: chosen
        .filter(({ at }) => at[0] !== "actor")
        .map((one) => (one.do === "personal" ? { ...one, subject: ["actor", "id"] } : one)),
    }
  })

test("the disclosures make the event whole again, or it is refused for what it brings itself", () => {
  let [opened, refused] = [0, 0]
  fc.assert(
    fc.property(personal, ({ top, style, chosen, isShortLived }) => {
      const sifted = sift(top, style, chosen, isShortLived)
      const event = writeTree(top, style, true)
      if (sifted.refused !== undefined) {
        refused += 1
        expect(sifted).toMatchObject({ refused: "EVENT_DISCLOSURE", bytes: undefined, keptOut: [] })
        return
      }
      if (sifted.keptOut.length === 0) return
      opened += 1
      expect(open(sifted), shown(chosen)).toEqual(cameOf(event, sifted))
      expect(new Set(sifted.keptOut.map(({ digest }) => digest)).size).toBe(sifted.keptOut.length)
    }),
    { numRuns: 1_500 },
  )
  expect(opened).toBeGreaterThan(20)
  expect(refused).toBeGreaterThan(5)
})

test("of a class that goes sooner no optional member stays, and all come back", () => {
  fc.assert(
    fc.property(cases, ({ top, style, chosen }) => {
      const inside = chosen.filter(({ at, do: what }) => what !== "personal" || at[0] !== "actor")
      const sifted = sift(top, style, inside, true)
      expect(sifted.refused).toBeUndefined()
      const names = Object.keys(JSON.parse(writeTree(top, style, true)))
      const moved = names.filter((name) => optionalNames.includes(name))
      if (sifted.bytes === undefined) {
        expect(moved).toEqual([])
        return
      }
      const left = JSON.parse(Buffer.from(sifted.bytes).toString())
      const staying = names.filter((name) => !moved.includes(name))
      const digests = moved.length > 0 ? ["_sd"] : []
      expect(Object.keys(left).sort()).toEqual(["_policy", ...digests, ...staying].sort())
      const plain = sift(top, style, inside)
      const whole =
        plain.bytes === undefined ? JSON.parse(writeTree(top, style, true)) : open(plain)
      const { _policy: _, ...expected } = whole
      expect(open(sifted)).toEqual(expected)
    }),
    { numRuns: 400 },
  )
})
