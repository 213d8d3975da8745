import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  digestOfFirst,
  type EntryValues,
  readDestruction,
  subjectNames,
  summarise,
} from "./index.ts"

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

describe("a list of values", () => {
  const list: EntryValues[] = [
    { index: 3, digests: ["b", "a"] },
    { index: 7, digests: [] },
    { index: 10, digests: ["c"] },
  ]

  it("has one digest, whatever the order in an entry", () => {
    const digest = sha256("3 a\n3 b\n10 c\n")
    expect(summarise(list)).toEqual({ values: 3, entries: 2, first: 3, last: 10, digest })
    const turned = [{ index: 3, digests: ["a", "b"] }, ...list.slice(1)]
    expect(summarise(turned).digest).toBe(digest)
  })

  it("of nobody has a digest, too", () => {
    expect(summarise([])).toMatchObject({ values: 0, entries: 0, digest: sha256("") })
  })

  it("is known again once it has grown, and only by what it was", () => {
    expect(digestOfFirst(list, 2)).toBe(sha256("3 a\n3 b\n"))
    expect(digestOfFirst(list, 0)).toBe(sha256(""))
    // It never had one value, nor four, nor anything that is no number of values.
    for (const never of [1, 4, -1, 1.5, Number.NaN])
      expect(digestOfFirst(list, never)).toBeUndefined()
  })

  it("begins with each list that it ever was", () => {
    const entries = fc
      .uniqueArray(fc.nat(1000), { maxLength: 20 })
      .map((all) =>
        all
          .sort((a, b) => a - b)
          .map((index) => ({ index, digests: [`${index % 7}`, `x${index % 3}`] })),
      )
    fc.assert(
      fc.property(entries, fc.nat(20), (all, length) => {
        const before = summarise(all.slice(0, length))
        expect(digestOfFirst(all, before.values)).toBe(before.digest)
      }),
    )
  })
})

it.each([
  ["alice", ["alice"]],
  ["user:alice", ["user:alice", "alice"]],
  ["user:a:b", ["user:a:b", "a:b"]],
  ["user:", ["user:"]],
  [":alice", [":alice"]],
  ["two words:x", ["two words:x"]],
])("the person %j may be called %j", (text, names) => {
  expect(subjectNames(text)).toEqual(names)
})

describe("what an entry says", () => {
  const data = { began: 5, values: 2, first: 3, digest: "d" }
  it("is read from the port's words only", () => {
    expect(readDestruction({ action: "postern.erased", data })).toEqual({ kind: "erased", ...data })
    expect(readDestruction({ action: "postern.retention.keys-destroyed" })).toEqual({
      kind: "expired",
    })
    expect(readDestruction({ action: "postern.erasure.began", data })).toBeUndefined()
  })

  it.each([{}, { ...data, began: -1 }, { ...data, values: "2" }, { ...data, first: 1.5 }, null])(
    "is nothing where it is %j",
    (wrong) => {
      expect(readDestruction({ action: "postern.erased", data: wrong })).toBeUndefined()
    },
  )
})
