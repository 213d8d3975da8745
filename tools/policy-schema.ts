/** Writes docs/reference/policy.schema.json from the schema that policy.yaml is read by. `npm run docs:policy` rewrites it. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatPolicySchema } from "../packages/server/src/policy/rules/index.ts"
import { house } from "./source.ts"

export const schemaPath = "docs/reference/policy.schema.json"

if (import.meta.main) writeFileSync(join(house, schemaPath), formatPolicySchema())
