/** Vault's audit devices replace texts by keyed digests, and leave numbers and booleans as they are. */
import { type Finding, noFindings } from "./hit.ts"
import type { ValueKind } from "./plain-values.ts"

/** Book-keeping of Vault itself. */
const keeping = new Set([
  ...[
    "ttl",
    "max_ttl",
    "token_ttl",
    "token_max_ttl",
    "lease_duration",
    "creation_ttl",
    "explicit_max_ttl",
  ],
  ...[
    "period",
    "token_period",
    "num_uses",
    "token_num_uses",
    "renewable",
    "orphan",
    "creation_time",
  ],
  ...["expire_time", "issue_time", "version", "destroyed", "entity_created", "token_issue_time"],
])

export function findVault(
  text: string,
  key: string | undefined,
  path: readonly string[],
  kind: ValueKind,
): readonly Finding[] {
  if (
    kind === "string" ||
    kind === "bytes" ||
    text === "null" ||
    (key !== undefined && keeping.has(key))
  )
    return noFindings
  for (let i = 0; i < path.length; i++) {
    const isData = path[i] === "data" && (path[i - 1] === "request" || path[i - 1] === "response")
    if (isData || path[i] === "auth")
      return [{ name: "vault-plain", from: 0, to: text.length, whole: true }]
  }
  return noFindings
}
