import { z } from "zod"
import { alertsForm } from "./rules-form.ts"

/**
 * The form of alerts.yaml as a JSON Schema (2020-12), for editors. Weaker than parseAlerts(), which decides: queries, time zones,
 * URLs and what two places say together are beyond it.
 */
export function formatAlertsSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(alertsForm, {
    io: "input",
    // Editors differ in whether they read a pattern as Unicode; by the other reading it refuses what is right.
    override: ({ jsonSchema }) => {
      if (/\\p\{/i.test(jsonSchema.pattern ?? "")) delete jsonSchema.pattern
    },
  })
  return `${JSON.stringify({ $schema, title: "alerts.yaml of Postern", ...schema }, undefined, 2)}\n`
}
