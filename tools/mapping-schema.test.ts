import { expect, test } from "vitest"
import { formatMappingSchema } from "../packages/server/src/formats/json-schema.ts"
import { schemaPath } from "./mapping-schema.ts"
import { readSource } from "./source.ts"

test("the schema of a mapping file for editors is the one it is read by: npm run docs:mapping", () => {
  expect(readSource(schemaPath)).toBe(formatMappingSchema())
})
