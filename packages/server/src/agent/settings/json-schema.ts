import { z } from "zod"
import { agentForm } from "./form.ts"

/**
 * The form of agent.yaml as a JSON Schema (2020-12), for editors. Weaker than parseAgentSettings(), which decides: that a source has
 * exactly one way in, and what it names twice, are beyond it.
 */
export function formatAgentSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(agentForm, { io: "input" })
  return `${JSON.stringify({ $schema, title: "agent.yaml of Postern", ...schema }, undefined, 2)}\n`
}
