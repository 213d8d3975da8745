/** Somebody else's library for SD-JWT makes of our events and disclosures what we make of them. */
import { createHash } from "node:crypto"
import { decodeSdJwtSync, getClaimsSync } from "@sd-jwt/decode"
import fc from "fast-check"
import { expect, test } from "vitest"
import { encodeUtf8, formatBase64Url } from "../base/index.ts"
import { digestsOf, discloseEvent } from "./digest-places.ts"
import { disclosableKeys, disclosureDigest, encodeDisclosure } from "./disclosure.ts"

type Event = Readonly<Record<string, unknown>>

const hasher = (data: string | ArrayBuffer, algorithm: string): Uint8Array => {
  const bytes = typeof data === "string" ? data : new Uint8Array(data)
  return createHash(algorithm.replace("-", "")).update(bytes).digest()
}

const text = (json: unknown) => formatBase64Url(encodeUtf8(JSON.stringify(json)))

/** What the library makes of an SD-JWT with this payload and these disclosures. */
function unpack(event: Event, disclosures: readonly Uint8Array[]): unknown {
  const jwt = `${text({ alg: "none" })}.${text(event)}.${text("")}`
  const whole = [jwt, ...disclosures.map(formatBase64Url), ""].join("~")
  const decoded = decodeSdJwtSync(whole, hasher)
  expect(decoded.disclosures).toHaveLength(disclosures.length)
  return getClaimsSync(decoded.jwt.payload, decoded.disclosures, hasher)
}

/** Members that mean something in any SD-JWT, at any depth, or nothing good in any object. */
const special = new Set(["_sd", "_sd_alg", "...", "__proto__"])
const plain = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return true
  return Object.entries(value).every(([name, inner]) => !special.has(name) && plain(inner))
}

const value = fc
  .oneof(fc.json({ maxDepth: 4 }), fc.json({ maxDepth: 4, stringUnit: "binary" }))
  .map((json) => JSON.parse(json) as unknown)
  .filter(plain)

const events = fc.record(
  Object.fromEntries(["id", "action", ...disclosableKeys].map((name) => [name, value])),
  { requiredKeys: ["id", "action"] },
)

const salts = fc.stringMatching(/^[A-Za-z0-9_-]{22,43}$/)

/** The event with some of its members kept out, and the disclosures of these, by name. */
function keepOut(event: Event, names: readonly string[], salt: string) {
  const rest = { ...event }
  const made = new Map<string, Uint8Array>()
  for (const name of names) {
    made.set(name, encodeDisclosure(salt, name, encodeUtf8(JSON.stringify(event[name]))))
    delete rest[name]
  }
  return { kept: { ...rest, _sd: [...made.values()].map(disclosureDigest).sort() }, made }
}

const cases = fc.tuple(events, salts, fc.infiniteStream(fc.boolean()))

test("it makes the event whole again", () => {
  fc.assert(
    fc.property(cases, ([event, salt, choice]) => {
      const names = [...disclosableKeys].filter((name) => name in event && choice.next().value)
      const { kept, made } = keepOut(event, names, salt)
      const disclosures = [...made.values()]
      expect(unpack(kept, disclosures)).toEqual(event)
      expect(discloseEvent(kept, disclosures)).toEqual(event)
    }),
  )
})

test("without the one that is withheld, and ours says which that is", () => {
  fc.assert(
    fc.property(cases, fc.nat(), ([event, salt, choice], which) => {
      const names = [...disclosableKeys].filter((name) => name in event && choice.next().value)
      fc.pre(names.length > 0)
      const { kept, made } = keepOut(event, names, salt)
      const withheld = names[which % names.length] as string
      const { [withheld]: _, ...rest } = event
      const disclosures = [...made].filter(([name]) => name !== withheld).map(([, json]) => json)
      expect(unpack(kept, disclosures)).toEqual(rest)
      const ours = discloseEvent(kept, disclosures)
      expect(digestsOf(ours)).toEqual([disclosureDigest(made.get(withheld) as Uint8Array)])
      expect(ours).toEqual({ ...rest, _sd: digestsOf(ours) })
    }),
  )
})

test("a disclosure of another event adds nothing", () => {
  const event = { id: "1", action: "a.b", data: { a: 1 } }
  const { kept } = keepOut(event, ["data"], "_26bc4LT-ac6q2KI6cBW5es")
  const { made } = keepOut(event, ["data"], "another-salt-for-the-same")
  expect(unpack(kept, [...made.values()])).toEqual({ id: "1", action: "a.b" })
})
