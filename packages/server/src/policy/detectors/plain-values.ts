/** Values that stand under the name of a secret and give none away. */
import type { SecretName } from "./secret-names.ts"

/** `bytes`: the bytes of a text in an unknown encoding, each as a character. */
export type ValueKind = "string" | "number" | "other" | "bytes"

const plain = new Set([
  ...[
    "",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "null",
    "nil",
    "none",
    "undefined",
    "unset",
    "set",
  ],
  ...[
    "empty",
    "blank",
    "changed",
    "unchanged",
    "updated",
    "rotated",
    "created",
    "added",
    "removed",
  ],
  ...[
    "deleted",
    "revoked",
    "expired",
    "valid",
    "invalid",
    "verified",
    "missing",
    "required",
    "optional",
  ],
  ...[
    "present",
    "absent",
    "enabled",
    "disabled",
    "ok",
    "okay",
    "success",
    "failed",
    "failure",
    "denied",
  ],
  ...["granted", "allow", "allowed", "deny", "forbidden", "unknown", "n/a", "redacted", "hidden"],
  ...[
    "masked",
    "filtered",
    "passed",
    "reset",
    "issued",
    "string",
    "sensitive",
    "(sensitive value)",
  ],
])

/** Masks, references to where a secret is kept, and what a keyed digest left in its place. */
const covered =
  /^(?:[*•·]+|[xX#.-]{3,}|[[<({]{1,2} ?(?:redacted|filtered|hidden|masked|secret|removed|sensitive)[^\]>)}]{0,20}[\]>)}]{1,2}|\$\{[^{}]{1,80}\}|\$\{\{[^{}]{1,80}\}\}|\{\{[^{}]{1,80}\}\}|\$[A-Z_]{2,40}|%s|\?|hmac-sha256:[0-9a-f]{64}|[ht]1:[0-9a-f]{8}:[A-Za-z0-9_-]{22,43})$/i

const longestPlain = 160

export function isPlain(value: string): boolean {
  if (value.length > longestPlain) return false
  return plain.has(value.toLowerCase()) || covered.test(value)
}

/** True if a value under such a name is a secret, as far as one can tell. */
export function isSecretValue(
  { kind, digits }: SecretName,
  value: string,
  type: ValueKind,
): boolean {
  if (digits !== undefined) return hasDigits(value, digits)
  if (type === "other" || isPlain(value)) return false
  if (type === "number") return kind === "text"
  if (kind === "header") return /[\s=]/.test(value) || value.length >= 16
  return true
}

/** Nothing but digits and what stands between them. */
function hasDigits(value: string, [least, most]: readonly [number, number]): boolean {
  if (value.length > 4 * most || !/^[\d\s.-]+$/.test(value)) return false
  const count = value.replace(/\D/g, "").length
  return count >= least && count <= most
}
