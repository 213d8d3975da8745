import { expect, test } from "vitest"
import { formatPolicySchema } from "../packages/server/src/policy/rules/index.ts"
import { schemaPath } from "./policy-schema.ts"
import { readSource } from "./source.ts"

test("the schema of policy.yaml for editors is the one it is read by: npm run docs:policy", () => {
  expect(readSource(schemaPath)).toBe(formatPolicySchema())
})
