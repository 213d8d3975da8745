import { isPosternError } from "@postern/log/base"
import { parsePolicy, parseVkey, type TrustPolicy } from "@postern/log/tlog"

/** What a person pasted, understood; or what is wrong with it. */
export type Trust =
  | { readonly kind: "nothing" }
  | { readonly kind: "policy"; readonly policy: TrustPolicy; readonly said: string }
  | { readonly kind: "wrong"; readonly said: string }

/** A verifier key alone is short for a policy with this log and `quorum none`. */
export function understandTrust(pasted: string): Trust {
  const text = pasted.replaceAll("\r\n", "\n").trim()
  if (text === "") return { kind: "nothing" }
  try {
    return isPolicy(text) ? understandPolicy(`${text}\n`) : understandKey(text)
  } catch (error) {
    if (!isPosternError(error)) throw error
    return { kind: "wrong", said: `Not acceptable: ${error.detail ?? error.message}` }
  }
}

function isPolicy(text: string): boolean {
  return /^[ \t]*(?:#|(?:log|witness|group|quorum)[ \t])/m.test(text)
}

function understandKey(text: string): Trust {
  const { name } = parseVkey(text)
  const policy = parsePolicy(`log ${text}\nquorum none\n`)
  return { kind: "policy", policy, said: `Verifier key of ${name}. No witnesses are asked.` }
}

function understandPolicy(text: string): Trust {
  const policy = parsePolicy(text)
  const { logs, witnesses, quorum } = policy
  if (logs.length === 0) return { kind: "wrong", said: "Not acceptable: it names no log." }
  const parts = [counted(logs.length, "log"), counted(witnesses.length, "witness")]
  const asked = quorum === undefined ? "no witnesses are asked" : `quorum ${quorum}`
  return { kind: "policy", policy, said: `Trust policy: ${parts.join(", ")}, ${asked}.` }
}

/** `1 log`, `2 witnesses`, `12,000 entries`. */
export function counted(count: number, noun: string): string {
  const plural = noun.endsWith("y")
    ? `${noun.slice(0, -1)}ies`
    : `${noun}${noun.endsWith("s") ? "es" : "s"}`
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`
}
