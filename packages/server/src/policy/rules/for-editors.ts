import { z } from "zod"

type JsonSchema = Record<string, unknown>

/** A form as JSON Schema (2020-12), for editors: what is to be written, not what is read out of it. */
export function forEditors(form: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(form, {
    io: "input",
    // Editors differ in whether they read a pattern as Unicode; by the other reading it refuses what is right.
    override: ({ jsonSchema }) => {
      if (/\\p\{/i.test(jsonSchema.pattern ?? "")) delete jsonSchema.pattern
    },
  })
  return schema
}
