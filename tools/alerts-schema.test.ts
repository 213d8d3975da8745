import { expect, test } from "vitest"
import { formatAlertsSchema } from "../packages/server/src/alerts/index.ts"
import { schemaPath } from "./alerts-schema.ts"
import { readSource } from "./source.ts"

test("the schema of alerts.yaml for editors is the one it is read by: npm run docs:alerts", () => {
  expect(readSource(schemaPath)).toBe(formatAlertsSchema())
})
