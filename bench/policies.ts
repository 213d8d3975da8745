/** Policies that cells are measured under: none, what `postern init` writes, and two that show what rules and transforms cost. */
export const policyNames = ["none", "init", "fifty rules", "hmac and detectors"] as const
export type PolicyName = (typeof policyNames)[number]

/** The text of policy.yaml; undefined for the one that `postern init` writes, empty for none. */
export function policyText(name: PolicyName): string | undefined {
  switch (name) {
    case "none":
      return ""
    case "init":
      return undefined
    case "fifty rules":
      return fiftyRules()
    case "hmac and detectors":
      return hmacAndDetectors
  }
}

/** All conditions there are, none of which the events of the bench fulfil but the last rule's, which keeps everything. */
function fiftyRules(): string {
  const rules = Array.from({ length: 49 }, (_, i) => {
    const match = [
      `{ source: "app://other-${i}", action: "other-${i}.*" }`,
      `{ writer: "spiffe://elsewhere.example/writer/w${i}" }`,
      `{ action: ["thing-${i}.read", "thing-${i}.list"], outcome: success }`,
      `{ source: "app://other-${i}", actor: "service:robot-${i}" }`,
      `{ action: "batch-${i}.*", severity: debug, size: { min: 100 } }`,
    ][i % 5]
    return `  - { name: rule-${i}, match: ${match}, level: metadata }\n`
  })
  return `rules:\n${rules.join("")}  - { name: all, level: full }\n`
}

const hmacAndDetectors = `rules:
  - name: all
    level: full
    transforms:
      - { at: /actor/id, do: hmac }
      - { at: /origin/ip, do: hmac }
detect:
  secrets: hmac
  cards: redact
  accounts: hmac
  contacts: hmac
`
