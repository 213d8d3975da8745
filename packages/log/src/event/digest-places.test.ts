/** Values that the policy took out of the inside of an event, and such as say that it did. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { decodeSdJwtSync, getClaimsSync } from "@sd-jwt/decode"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeUtf8, formatBase64Url } from "../base/index.ts"
import { DigestPlaces, digestsOf, discloseEvent, isSealedByPolicy } from "./digest-places.ts"
import { disclosureDigest, encodeDisclosure, parseDisclosureText } from "./disclosure.ts"

type JsonObject = Record<string, unknown>

const salt = "_26bc4LT-ac6q2KI6cBW5es"
const make = (name: string | undefined, value: unknown, from = salt): Uint8Array =>
  encodeDisclosure(from, name, encodeUtf8(JSON.stringify(value)))
const _policy = { digest: "0123456789abcdef", rule: "r", did: ["personal /data/a"], sealed: 1 }
const invalid = expect.objectContaining({ code: "DISCLOSURE_INVALID" })

const hasher = (data: string | ArrayBuffer, algorithm: string): Uint8Array => {
  const bytes = typeof data === "string" ? data : new Uint8Array(data)
  return createHash(algorithm.replace("-", "")).update(bytes).digest()
}
const text = (json: unknown) => formatBase64Url(encodeUtf8(JSON.stringify(json)))

/** What somebody else's library makes of an SD-JWT with this payload and these disclosures. */
function unpack(event: JsonObject, disclosures: readonly Uint8Array[]): unknown {
  const jwt = `${text({ alg: "none" })}.${text(event)}.${text("")}`
  const whole = [jwt, ...disclosures.map(formatBase64Url), ""].join("~")
  const decoded = decodeSdJwtSync(whole, hasher)
  return getClaimsSync(decoded.jwt.payload, decoded.disclosures, hasher)
}

/** Members that mean something in any SD-JWT, or nothing good in any object; and the library takes a disclosure without a name for an element. */
const special = new Set(["_sd", "_sd_alg", "...", "__proto__", ""])
const plain = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return true
  return Object.entries(value).every(([name, inner]) => !special.has(name) && plain(inner))
}
const values = fc
  .json({ maxDepth: 4 })
  .map((json) => JSON.parse(json) as unknown)
  .filter(plain)

/** Takes members and elements out at every depth, those inside what is taken out first; `choose` says which. */
function hide(value: unknown, choose: () => boolean, made: Uint8Array[]): unknown {
  if (Array.isArray(value)) {
    return value.map((one) => {
      const inner = hide(one, choose, made)
      return choose() ? { "...": kept(undefined, inner, made) } : inner
    })
  }
  if (typeof value !== "object" || value === null) return value
  const digests: string[] = []
  const rest: [string, unknown][] = []
  for (const [name, one] of Object.entries(value)) {
    const inner = name === "_policy" ? one : hide(one, choose, made)
    if (name !== "_policy" && choose()) digests.push(kept(name, inner, made))
    else rest.push([name, inner])
  }
  const listed = digests.length > 0 ? [["_sd", digests.sort()] as const] : []
  return Object.fromEntries([...listed, ...rest])
}

function kept(name: string | undefined, value: unknown, made: Uint8Array[]): string {
  const json = make(name, value, `${salt}${made.length}`)
  made.push(json)
  return disclosureDigest(json)
}

const events = fc.record({ id: fc.constant("1"), data: values, labels: values })
const cases = fc.tuple(events, fc.infiniteStream(fc.boolean()), fc.nat())

test("somebody else's library makes it whole again, and so does ours, in any order", () => {
  fc.assert(
    fc.property(cases, ([event, choice, turn]) => {
      const made: Uint8Array[] = []
      const whole = { _policy, ...event }
      const open = hide(whole, () => choice.next().value, made) as JsonObject
      expect(unpack(open, made)).toEqual(whole)
      const turned = made.length === 0 ? [] : [...made.slice(turn % made.length), ...made]
      const ordered = [...new Set(turned)].reverse()
      const before = JSON.stringify(open)
      expect(discloseEvent(open, ordered)).toEqual(whole)
      expect(JSON.stringify(open)).toBe(before)
    }),
  )
})

test("what is withheld stays a digest in its place, and both leave out the same", () => {
  fc.assert(
    fc.property(cases, ([event, choice, turn]) => {
      const made: Uint8Array[] = []
      const open = hide({ _policy, ...event }, () => choice.next().value, made) as JsonObject
      fc.pre(made.length > 0)
      const withheld = made[turn % made.length] as Uint8Array
      const rest = made.filter((one) => one !== withheld)
      const reached = rest.filter((one) => isReached(open, rest, one))
      const ours = discloseEvent(open, reached)
      expect(digestsOf(ours)).toContain(disclosureDigest(withheld))
      // The library takes digests away whose value it has not.
      expect(unpack(open, rest)).toEqual(unpack(ours, []))
    }),
  )
})

/** Whether one is named by the event or by a value that is there. */
function isReached(open: JsonObject, all: readonly Uint8Array[], one: Uint8Array): boolean {
  const digest = disclosureDigest(one)
  if (digestsOf(open).includes(digest)) return true
  return all.some((other) => {
    return (
      other !== one && JSON.stringify(nested(other)).includes(digest) && isReached(open, all, other)
    )
  })
}
const nested = (json: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(json))

describe("an event of which the policy sealed nothing", () => {
  const inner = make("email", "a@example.com")
  const digest = disclosureDigest(inner)
  const data = { _sd: [digest], list: [{ "...": digest }] }

  test.each<[string, JsonObject]>([
    ["has no policy", { data }],
    ["has one that sealed nothing", { _policy: { sealed: 0 }, data }],
    ["has one that says so in words", { _policy: { sealed: "1" }, data }],
    ["has a list of policies", { _policy: [{ sealed: 1 }], data }],
    ["has null", { _policy: null, data }],
    ["has it inside", { data: { ...data, _policy } }],
    ["inherits it", { data, ["__proto__"]: { _policy } }],
  ])("names what stands at the top only: it %s", (_name, event) => {
    expect(isSealedByPolicy(event)).toBe(false)
    expect(digestsOf(event)).toEqual([])
    expect(() => discloseEvent(event, [inner])).toThrow(invalid)
    const top = make("labels", data)
    const named = { ...event, _sd: [disclosureDigest(top)] }
    expect(discloseEvent(named, [top])).toMatchObject({ labels: data })
    expect(() => discloseEvent(named, [top, inner])).toThrow(invalid)
  })
})

describe("a disclosure", () => {
  const member = make("email", 1)
  const element = make(undefined, "x")
  const event = {
    _policy,
    _sd: [disclosureDigest(make("top", 1))],
    data: {
      "a/b~c": [0, { "...": disclosureDigest(element) }],
      who: { _sd: [disclosureDigest(member)] },
    },
  }

  test("says where it belongs", () => {
    const places = new DigestPlaces(event)
    expect(places.take(member)).toMatchObject({ within: "/data/who", key: "email", name: "email" })
    expect(places.take(element)).toMatchObject({ within: "/data/a~1b~0c", key: 1, value: "x" })
    const name: undefined = undefined
    expect(places.take(make("top", 1))).toMatchObject({ within: "", key: "top", value: 1 })
    expect(new DigestPlaces(event).take(element)).toMatchObject({ name })
    expect(places.digests).toEqual([])
  })

  test("of an element is refused among the members, and the other way round", () => {
    const bad = [
      { _policy, data: { _sd: [disclosureDigest(element)] } },
      { _policy, data: [{ "...": disclosureDigest(member) }] },
      { _policy, _sd: [disclosureDigest(element)] },
      { _sd: [disclosureDigest(element)] },
    ]
    for (const one of bad) {
      expect(digestsOf(one)).toHaveLength(1)
      expect(() => discloseEvent(one, [element])).toThrow(invalid)
      expect(() => discloseEvent(one, [member])).toThrow(invalid)
    }
  })

  test("whose digest stands in two places has none", () => {
    const digest = disclosureDigest(member)
    const twice = { _policy, _sd: [digest], data: { _sd: [digest] } }
    expect(digestsOf(twice)).toEqual([digest])
    expect(() => discloseEvent(twice, [member])).toThrow(invalid)
    expect(discloseEvent({ _policy, data: { _sd: [digest, digest] } }, [member])).toEqual({
      _policy,
      data: { email: 1, _sd: undefined },
    })
    const again = make("data", { _sd: [digest] })
    const chain = { _policy, _sd: [digest, disclosureDigest(again)] }
    expect(() => discloseEvent(chain, [again, member])).toThrow(invalid)
  })

  test("does not overwrite a member beside it, nor one that came back before", () => {
    const digest = disclosureDigest(member)
    const taken = { _policy, data: { email: 0, _sd: [digest] } }
    expect(() => discloseEvent(taken, [member])).toThrow(invalid)
    const other = make("email", 2, `${salt}2`)
    const two = { _policy, data: { _sd: [digest, disclosureDigest(other)] } }
    expect(() => discloseEvent(two, [member, other])).toThrow(invalid)
    expect(discloseEvent({ _policy, email: 0, data: { _sd: [digest] } }, [member])).toMatchObject({
      data: { email: 1 },
    })
  })

  test("names what stands in it, however large it is", () => {
    const inner = { _sd: [disclosureDigest(member)] }
    const large = make("data", { ...inner, pad: "x".repeat(3_000_000) })
    const named = { _policy, _sd: [disclosureDigest(large)] }
    expect(discloseEvent(named, [large, member])).toMatchObject({ data: { email: 1 } })
  })

  test("may name as many as a verifier follows, and no more", () => {
    const fake = (n: number) => formatBase64Url(createHash("sha256").update(`${n}`).digest())
    const chain = (count: number) =>
      Array.from({ length: 4 }, (_, part) => {
        const digests = Array.from({ length: count / 4 }, (_, n) => fake(part * 10_000 + n))
        return make(`part-${part}`, { _sd: digests })
      })
    const open = (made: Uint8Array[]) =>
      discloseEvent({ _policy, _sd: made.map(disclosureDigest) }, made)
    expect(digestsOf(open(chain(4_092)))).toHaveLength(4_092)
    expect(() => open(chain(4_096))).toThrow(invalid)
  })

  test("of an enemy may be as deep as it likes, and be called what it likes", () => {
    const deep = `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)},"_sd":["${disclosureDigest(member)}"]}`
    const json = encodeDisclosure(salt, "__proto__", encodeUtf8(deep))
    const open = discloseEvent({ _policy, _sd: [disclosureDigest(json)] }, [json, member])
    expect(Object.keys(open)).toEqual(["_policy", "__proto__"])
    const given = Object.getOwnPropertyDescriptor(open, "__proto__")?.value as JsonObject
    expect(given.email).toBe(1)
  })
})

interface Vector {
  readonly name: string
  readonly event: JsonObject
  readonly disclosures: readonly string[]
  readonly open: JsonObject | null
  readonly withheld: readonly string[]
}

describe("a vector of the specification", () => {
  const file = new URL("../../../../docs/spec/vectors/disclosures.json", import.meta.url)
  const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[]

  test.each(vectors)("$name", ({ event, disclosures, open, withheld }) => {
    const jsons = disclosures.map((one) => parseDisclosureText(one) as Uint8Array)
    if (open === null) return expect(() => discloseEvent(event, jsons)).toThrow(invalid)
    const found = discloseEvent(event, jsons)
    expect(found).toEqual(open)
    expect(digestsOf(found)).toEqual(withheld)
  })
})
