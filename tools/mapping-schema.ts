/** Writes docs/reference/mapping.schema.json from the schema that a mapping file is read by. `npm run docs:mapping` rewrites it. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatMappingSchema } from "../packages/server/src/formats/json-schema.ts"
import { house } from "./source.ts"

export const schemaPath = "docs/reference/mapping.schema.json"

if (import.meta.main) writeFileSync(join(house, schemaPath), formatMappingSchema())
