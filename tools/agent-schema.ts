/** Writes docs/reference/agent.schema.json from the schema that agent.yaml is read by. `npm run docs:agent` rewrites it. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatAgentSchema } from "../packages/server/src/agent/index.ts"
import { house } from "./source.ts"

export const schemaPath = "docs/reference/agent.schema.json"

if (import.meta.main) writeFileSync(join(house, schemaPath), formatAgentSchema())
