import { z } from "zod"
import { accessSchema } from "./identity.ts"

/**
 * The form of access.yaml as a JSON Schema (2020-12), for editors. Weaker than parseAccess(), which decides: what two
 * places say together (an id that stands twice) is beyond it.
 */
export function formatAccessSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(accessSchema, {
    io: "input",
    // Editors differ in whether they read a pattern as Unicode; by the other reading it refuses what is right.
    override: ({ jsonSchema }) => {
      if (/\\p\{/i.test(jsonSchema.pattern ?? "")) delete jsonSchema.pattern
    },
  })
  return `${JSON.stringify({ $schema, title: "access.yaml of Postern", ...schema }, undefined, 2)}\n`
}
