import { describe, expect, test } from "vitest"
import { parse } from "yaml"
import { z } from "zod"
import { formatPolicySchema, startingPolicy } from "./index.ts"

const schema = z.fromJSONSchema(JSON.parse(formatPolicySchema()))
const one = (rest: string) => `rules: [{ name: a, level: full, ${rest} }]`

describe("the schema for editors", () => {
  test.each([
    startingPolicy(),
    one("match: { action: a.*, class: [read, change], size: { min: 1 } }"),
    one("match: { actor: 'user:alice', tenant: [a, b] }, sample: 0.5, deduplicate: 5"),
    one("transforms: [{ at: /data/x, do: truncate, bytes: 16 }]"),
    `${one("")}\nclasses: { read: [page.*] }\ndetect: { contacts: mark, packs: [sql], allow: [/data/x] }`,
  ])("takes %s", (text) => {
    expect(schema.safeParse(parse(text)).error).toBeUndefined()
  })

  test.each([
    "{}",
    "rules: []",
    "rules: [{ name: a }]",
    one("match: { class: king }"),
    one("match: { class: [] }"),
    one("match: { writers: x }"),
    one("match: { action: [a, B] }"),
    one("sample: 1"),
    one("transforms: [{ at: /data/x, do: encrypt }]"),
    `${one("")}\nnonsense: 1`,
    `${one("")}\ndetect: { secrets: truncate }`,
  ])("refuses %s", (text) => {
    expect(schema.safeParse(parse(text)).success).toBe(false)
  })
})
