import { describe, expect, test } from "vitest"
import type { Transform } from "../rules/index.ts"
import { openSieve, type Sifted } from "./index.ts"
import { pseudonymOf, world } from "./oracle.test.support.ts"
import { makeDecision, off, pointer } from "./policies.test.support.ts"

const start =
  '"id":"1","time":"2026-11-22T12:00:00Z","source":"app://a","action":"a.read","outcome":"success"'

function sift(members: string, transforms: readonly Transform[], shortLived = ""): Sifted {
  const { policy, decision } = makeDecision("full", transforms)
  const sieve = openSieve(policy, world, { shortLived: new Set([shortLived]) })
  return sieve.sift(decision, "http", Buffer.from(`{${start},${members}}`))
}

const personal = (at: string, subject = "/actor/id"): Transform => ({
  ...{ at: pointer(at), do: "personal", subject: pointer(subject) },
})

const textOf = ({ bytes }: Sifted) => Buffer.from(bytes ?? []).toString()
const alice = '"actor":{"type":"user","id":"alice"},"targets":[]'
const keptBy = ({ keptOut }: Sifted) => keptOut.map(({ under }) => under)
const jsonOf = ({ keptOut }: Sifted) =>
  keptOut.map(({ json }) => JSON.parse(Buffer.from(json).toString()).slice(1))

describe("a personal member", () => {
  test("leaves its object, and its digest stands there", () => {
    const sifted = sift(`${alice},"data":{"mail":"a@b" ,"n":1,"tel": [ 5 ]}`, [
      personal("/data/mail"),
      personal("/data/tel"),
    ])
    const digests = sifted.keptOut.map(({ digest }) => digest).sort()
    expect(textOf(sifted)).toContain(`"data":{"_sd":${JSON.stringify(digests)} ,"n":1}`)
    expect(jsonOf(sifted)).toEqual([
      ["mail", "a@b"],
      ["tel", [5]],
    ])
    expect(keptBy(sifted)).toEqual([{ subject: "alice" }, { subject: "alice" }])
    expect(textOf(sifted)).toContain(
      '"did":["personal /data/mail","personal /data/tel"],"sealed":2}',
    )
  })

  test("that is an identifier leaves the pseudonym of its subject", () => {
    const sifted = sift(alice, [personal("/actor/id")])
    const [kept] = sifted.keptOut
    expect(textOf(sifted)).toContain(
      `"actor":{"type":"user","id":"${pseudonymOf("alice")}","_sd":["${kept?.digest}"]},"targets":[]`,
    )
    expect(jsonOf(sifted)).toEqual([["idClear", "alice"]])
  })

  test("is an element too, which has no name", () => {
    const members = `${alice},"subjects":["bob",{"id":"carol"}]`
    const sifted = sift(members, [personal("/subjects/0", "/subjects/0")])
    expect(textOf(sifted)).toContain(`"subjects":[{"...":"${sifted.keptOut[0]?.digest}"},{"id"`)
    expect(jsonOf(sifted)).toEqual([["bob"]])
    expect(keptBy(sifted)).toEqual([{ subject: "bob" }])
  })

  test("belongs to whom its subject names last, in words or in whole numbers", () => {
    const at = personal("/data/mail", "/data/user")
    for (const [user, subject] of [
      ['"user":"bob"', "bob"],
      ['"user":4711', "4711"],
      ['"user":"bob","us\\u0065r":"eve"', "eve"],
    ]) {
      expect(keptBy(sift(`${alice},"data":{"mail":1,${user}}`, [at]))).toEqual([{ subject }])
    }
  })

  test("is not kept at all if nobody is named", () => {
    const at = personal("/data/mail", "/data/user/id")
    for (const user of [
      '"user":"x"',
      '"user":{"id":""}',
      '"user":{"id":1.5}',
      '"user":{"id":null}',
    ]) {
      const sifted = sift(`${alice},"data":{"mail":"a@b",${user}}`, [at])
      expect(textOf(sifted)).toContain(`"data":{"mail":"[redacted]",${user}}`)
      expect(sifted.did).toEqual([{ what: "redact", at: "/data/mail" }])
      expect(sifted.keptOut).toEqual([])
    }
  })

  test("whose name the policy does not say leaves with its name", () => {
    const sifted = sift(`${alice},"data":{"by":{"bob@example.com":1}}`, [personal("/data/by/*")])
    expect(textOf(sifted)).not.toContain("bob")
    expect(sifted.did).toEqual([{ what: "personal", at: "/data/by/*" }])
  })

  test("of the same name and value as another has a digest of its own", () => {
    const sifted = sift(`${alice},"subjects":[{"m":"x"},{"m":"x"}]`, [personal("/subjects/*/m")])
    expect(new Set(sifted.keptOut.map(({ digest }) => digest)).size).toBe(2)
  })
})

describe("an event is refused", () => {
  test.each([
    ["that brings digests of its own", '"data":{"mail":1,"x":{"_sd":[]}}'],
    ["that brings them in an array", '"data":{"mail":1,"x":[{"...":"y"}]}'],
    ["that writes their name with escapes", '"data":{"mail":1,"\\u005fsd":[]}'],
    ["that brings them inside what leaves", '"data":{"mail":{"_sd":[]}}'],
    ["in which the name stands twice", '"data":{"mail":1,"ma\\u0069l":2}'],
    ["with a name that the disclosure would have", '"data":{"id":1,"idClear":2}'],
  ])("%s", (_why, data) => {
    const sifted = sift(`${alice},${data}`, [personal("/data/mail"), personal("/data/id")])
    expect(sifted).toEqual({
      ...{ bytes: undefined, refused: "EVENT_DISCLOSURE", did: [], detected: [], keptOut: [] },
    })
  })

  test("not if nothing leaves it, and not for what does not stay", () => {
    const others = '"data":{"x":{"_sd":[]}}'
    expect(sift(`${alice},${others}`, [personal("/data/mail")]).refused).toBeUndefined()
    const gone: Transform = { at: pointer("/data/x"), do: "redact" }
    const sifted = sift(`${alice},"data":{"mail":1,"x":{"_sd":[]}}`, [personal("/data/mail"), gone])
    expect(sifted.refused).toBeUndefined()
    expect(sifted.keptOut).toHaveLength(1)
  })

  test("not for the digests that stand at its top, which are the port's affair", () => {
    const sifted = sift(`${alice},"_sd":[],"data":{"mail":1}`, [personal("/data/mail")])
    expect(sifted.refused).toBeUndefined()
    expect(textOf(sifted)).toContain('"_sd":[],"data":{"_sd":["')
  })

  test("that names too many digests once its members leave", () => {
    const digests = (count: number) => Array.from({ length: count }, (_, i) => `d${i}`)
    const members = (count: number) => `${alice},"_sd":${JSON.stringify(digests(count))},"data":{}`
    expect(sift(members(63), [], "read").refused).toBeUndefined()
    expect(sift(members(64), [], "read").refused).toBe("EVENT_DISCLOSURE")
  })
})

describe("an event of a class that goes sooner", () => {
  test("keeps what says who did what, and the digests of the rest", () => {
    const sifted = sift(`"data":{"a":1},${alice}, "labels":{}`, [], "read")
    const digests = sifted.keptOut.map(({ digest }) => digest).sort()
    expect(textOf(sifted)).toBe(
      `{"_policy":{"digest":"0123456789abcdef","did":["sealed /data","sealed /labels"],"sealed":2},` +
        `"_sd":${JSON.stringify(digests)},${start},${alice}}`,
    )
    expect(keptBy(sifted)).toEqual([{ class: "read" }, { class: "read" }])
    expect(jsonOf(sifted)).toEqual([
      ["data", { a: 1 }],
      ["labels", {}],
    ])
  })

  test("adds to the digests that it brought", () => {
    for (const own of ["", '"d"', '"d","e"']) {
      const sifted = sift(`${alice},"_sd":[ ${own} ],"data":{}`, [], "read")
      const [kept] = sifted.keptOut
      const event = JSON.parse(textOf(sifted))
      expect(event._sd).toEqual([...JSON.parse(`[${own}]`), kept?.digest])
      expect(event.data).toBeUndefined()
    }
  })

  test("has what was done inside a member in its disclosure", () => {
    const hidden: Transform = { at: pointer("/data/x"), do: "redact" }
    const members = `${alice},"data":{"x":1,"mail":"a@b"}`
    const sifted = sift(members, [hidden, personal("/data/mail")], "read")
    const [mail, data] = sifted.keptOut
    expect(jsonOf(sifted)[1]).toEqual(["data", { x: "[redacted]", _sd: [mail?.digest] }])
    expect(JSON.parse(textOf(sifted))._sd).toEqual([data?.digest])
    expect(keptBy(sifted)).toEqual([{ subject: "alice" }, { class: "read" }])
  })

  test("says no name inside a member that left, and each thing that was done there once", () => {
    const redact = (at: string): Transform => ({ at: pointer(at), do: "redact" })
    const members =
      '"reason":{"x":1},"data":{"ada@b":{"x":1,"y":2,"m":3},"bob@b":{"x":4}},"labels":{"carol@b":{}}'
    const transforms = [personal("/data/*/m"), redact("/data/*/*"), redact("/actor/name")]
    const named = '"actor":{"type":"user","id":"alice","name":"Alice"},"targets":[]'
    const sifted = sift(`${members},${named}`, transforms, "read")
    expect(sifted.did.map(({ what, at }) => `${what} ${at}`)).toEqual([
      ...["sealed /reason", "redact /data", "personal /data", "sealed /data"],
      ...["sealed /labels", "redact /actor/name"],
    ])
    expect(textOf(sifted)).not.toMatch(/ada|bob|carol/)
    expect(JSON.parse(textOf(sifted))._policy.sealed).toBe(4)
  })

  test("says no name that a detector hit in such a member", () => {
    const { policy, decision } = makeDecision("full", [])
    const detect = { ...off, groups: { ...off.groups, secrets: "redact" as const } }
    const sieve = openSieve({ ...policy, detect }, world, { shortLived: new Set(["read"]) })
    const data = '"data":{"ada@example.com":{"password":"correct horse battery"}}'
    const sifted = sieve.sift(decision, "http", Buffer.from(`{${start},${alice},${data}}`))
    expect(sifted.detected.length).toBeGreaterThan(0)
    expect(JSON.parse(textOf(sifted))._policy.did).toEqual(["detected /data", "sealed /data"])
    expect(textOf(sifted)).not.toContain("ada@example.com")
  })

  test("of another class stays whole", () => {
    expect(sift(`${alice},"data":{}`, [], "change").bytes).toBeUndefined()
  })
})
