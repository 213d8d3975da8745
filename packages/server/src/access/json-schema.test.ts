import { describe, expect, test } from "vitest"
import { parse } from "yaml"
import { z } from "zod"
import { formatAccessSchema } from "./index.ts"

const schema = z.fromJSONSchema(JSON.parse(formatAccessSchema()))
const id = "spiffe://postern.local/x"
const grant = "{ adapters: [http], sources: ['*'], actions: ['a.*'] }"

describe("the schema for editors", () => {
  test.each([
    `identities: [{ id: ${id}, role: writer, expires: 2027-11-22, grant: ${grant} }]`,
    `identities: [{ id: ${id}, role: operator, from: [{ cidr: 10.0.0.0/8 }] }]`,
    'identities: []\nrevoked: [{ serial: "1f", reason: lost }]',
  ])("takes %s", (text) => {
    expect(schema.safeParse(parse(text)).error).toBeUndefined()
  })

  test.each([
    `identities: [{ id: ${id}, role: king }]`,
    `identities: [{ id: ${id}, role: operator, grant: ${grant} }]`,
    `identities: [{ id: ${id}, role: writer, grant: { adapters: [ftp], sources: ['*'], actions: ['*'] } }]`,
    "identities: []\nnonsense: 1",
    'identities: []\nrevoked: [{ serial: "1F" }]',
    "{}",
  ])("refuses %s", (text) => {
    expect(schema.safeParse(parse(text)).success).toBe(false)
  })
})
