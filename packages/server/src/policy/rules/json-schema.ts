import { forEditors } from "./for-editors.ts"
import { policyForm } from "./policy-form.ts"

/**
 * The form of policy.yaml as a JSON Schema (2020-12), for editors. Weaker than parsePolicy(), which decides: pointers, and what
 * two places say together, are beyond it.
 */
export function formatPolicySchema(): string {
  const $schema = "https://json-schema.org/draft/2020-12/schema"
  const schema = { $schema, title: "policy.yaml of Postern", ...forEditors(policyForm) }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}
