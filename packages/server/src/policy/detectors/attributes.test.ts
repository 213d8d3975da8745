import { expect, test } from "vitest"
import { openDetectors } from "./index.ts"
import type { ValueKind } from "./plain-values.ts"

const detectors = openDetectors({
  groups: {
    ...{ secrets: "hmac", cards: "off", accounts: "off" },
    ...{ contacts: "off", addresses: "off", entropy: "off" },
  },
  packs: [],
  patterns: [],
})

/** The texts and numbers of `attributes` in which a secret is found, in their order. */
function found(attributes: unknown): string[] {
  const hits: string[] = []
  const walk = (value: unknown, key: string | undefined, path: readonly string[]): void => {
    if (typeof value === "object" && value !== null) {
      for (const [name, one] of Object.entries(value)) {
        const inside = typeof one === "object" ? [...path, name] : path
        walk(one, Array.isArray(value) ? undefined : name, inside)
      }
      return
    }
    const kind: ValueKind = typeof value === "number" ? "number" : "string"
    if (detectors.look(String(value), key, path, kind).length > 0) hits.push(String(value))
  }
  detectors.begin()
  walk(attributes, undefined, ["data", "otlp", "attributes"])
  return hits
}

const text = (stringValue: string) => ({ stringValue })
const list = (...values: object[]) => ({ arrayValue: { values } })
const pair = (key: string, value: object) => ({ key, value })
const members = (...values: object[]) => ({ kvlistValue: { values } })

test.each<[string, object]>([
  ["text", text("h-1")],
  ["text of another writer", { string_value: "h-1" }],
  ["whole number", { intValue: "48291" }],
  ["number", { doubleValue: 4.5 }],
  ["bytes", { bytesValue: "aC0x" }],
  ["list", list(text("h-1"))],
  ["list in a list", list(list(text("h-1")))],
  ["list of another writer", { array_value: { values: [text("h-1")] } }],
])("the key of an attribute names its %s", (_, value) => {
  expect(found([pair("password", value)])).toHaveLength(1)
  expect(found([pair("app.colour", value)])).toEqual([])
})

test("members in a value have names of their own, wherever they stand", () => {
  const inside = members(pair("user", text("ada")), pair("password", text("h-1")))
  expect(found([pair("request", inside)])).toEqual(["h-1"])
  expect(found([pair("batch", list(inside, inside))])).toEqual(["h-1", "h-1"])
  expect(found([pair("password", members(pair("hint", text("dog"))))])).toEqual([])
})

test("a key that only says which value it is has the name of what is around", () => {
  const change = members(pair("old", text("h-1")), pair("new", text("h-2")))
  expect(found([pair("password", change)])).toEqual(["h-1", "h-2"])
  expect(found([pair("colour", change)])).toEqual([])
  expect(found([pair("passwords", list(change, text("h-3")))])).toEqual(["h-1", "h-2", "h-3"])
})

test("a key counts for its own value alone", () => {
  const plain = pair("colour", text("blue"))
  expect(found([pair("password", text("h-1")), plain])).toEqual(["h-1"])
  expect(found([plain, pair("password", text("h-1")), plain])).toEqual(["h-1"])
  expect(found([pair("password", {}), { value: text("blue") }])).toEqual([])
  expect(found([{ key: "password", more: text("blue") }])).toEqual([])
  expect(found([{ key: "password", value: { other: text("blue") } }])).toEqual([])
})

test("an event begins without what the one before said", () => {
  expect(found([pair("password", {})])).toEqual([])
  expect(found([{ value: text("h-1") }])).toEqual([])
})
