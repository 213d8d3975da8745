import { z } from "zod"
import { mappingForm } from "./mapping-form.ts"

/** The form of a mapping file as a JSON Schema (2020-12), for editors. Weaker than readMapping(), which decides. */
export function formatMappingSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(mappingForm, { io: "input", reused: "ref" })
  const title = "mapping file of Postern"
  return `${JSON.stringify({ $schema, title, ...schema }, undefined, 2)}\n`
}
