/** Writes docs/reference/alerts.schema.json from the schema that alerts.yaml is read by. `npm run docs:alerts` rewrites it. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatAlertsSchema } from "../packages/server/src/alerts/index.ts"
import { house } from "./source.ts"

export const schemaPath = "docs/reference/alerts.schema.json"

if (import.meta.main) writeFileSync(join(house, schemaPath), formatAlertsSchema())
