import { expect, test } from "vitest"
import { formatAccessSchema } from "../packages/server/src/access/index.ts"
import { schemaPath } from "./access-schema.ts"
import { readSource } from "./source.ts"

test("the schema of access.yaml for editors is the one it is read by: npm run docs:access", () => {
  expect(readSource(schemaPath)).toBe(formatAccessSchema())
})
