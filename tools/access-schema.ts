/** Writes docs/reference/access.schema.json from the schema that access.yaml is read by. `npm run docs:access` rewrites it. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatAccessSchema } from "../packages/server/src/access/index.ts"
import { house } from "./source.ts"

export const schemaPath = "docs/reference/access.schema.json"

if (import.meta.main) writeFileSync(join(house, schemaPath), formatAccessSchema())
