import { expect, test } from "vitest"
import { formatAgentSchema } from "../packages/server/src/agent/index.ts"
import { schemaPath } from "./agent-schema.ts"
import { readSource } from "./source.ts"

test("the schema of agent.yaml for editors is the one it is read by: npm run docs:agent", () => {
  expect(readSource(schemaPath)).toBe(formatAgentSchema())
})
