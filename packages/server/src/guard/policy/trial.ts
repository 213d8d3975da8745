import { createHmac, randomBytes } from "node:crypto"
import { decodeUtf8, encodeUtf8, formatBase64Url } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import {
  type Adapter,
  type Explanation,
  explainDecision,
  type Policy,
  retentionRule,
  shortLivedClasses,
} from "../../policy/rules/index.ts"
import { openSieve, type Refusal, type SieveWorld } from "../../policy/sieve/index.ts"
import { type LeftOver, leftOver } from "./left-over.ts"
import type { TriedEvent } from "./tried-event.ts"

/** What a policy makes of one event. Whether it is sampled out, or is one too many of many, is not drawn: the decision says the odds. */
export interface TrialResult extends Explanation {
  /** The bytes that are kept; undefined if none are. */
  readonly kept: Uint8Array | undefined
  readonly refused: Refusal | undefined
  readonly did: readonly { readonly what: string; readonly at: string }[]
  readonly detected: readonly string[]
  /** What was hidden and still stands elsewhere in what is kept. */
  readonly leftOver: readonly LeftOver[]
}

export interface Trial {
  readonly policy: Policy
  try(writer: string, adapter: Adapter, event: TriedEvent): TrialResult
}

/** A policy at work on events that come from nowhere, with keys that are gone when this is. */
export function openTrial(policy: Policy): Trial {
  const shortLived = shortLivedClasses(retentionRule(policy.retention))
  const sieve = openSieve(policy, throwawayWorld(), { shortLived })
  return {
    policy,
    try(writer, adapter, event) {
      const { source, action, outcome, bytes, members } = event
      const explained = explainDecision(policy, { writer, adapter, source, action, outcome }, event)
      const { decision } = explained
      const nothing = { refused: undefined, did: [], detected: [], leftOver: [] }
      if (decision.level === "drop") return { ...explained, ...nothing, kept: undefined }
      const sifted = sieve.sift(decision, adapter, bytes)
      const { refused, did, detected } = sifted
      const kept = refused === undefined ? (sifted.bytes ?? bytes) : undefined
      const left = sifted.bytes === undefined ? [] : leftOver(members, readKept(sifted.bytes), did)
      return { ...explained, kept, refused, did, detected, leftOver: left }
    },
  }
}

function readKept(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  return JSON.parse(decodeUtf8(bytes) ?? "{}")
}

const pseudonymBytes = 16
const saltBytes = 16
const kid = "00000000"

function throwawayWorld(): SieveWorld {
  const key = randomBytes(32)
  const hmac = (parts: readonly Uint8Array[]): Buffer => {
    const mac = createHmac("sha256", key)
    for (const [at, part] of parts.entries()) {
      if (at > 0) mac.update("\0")
      mac.update(part)
    }
    return mac.digest()
  }
  return {
    mac: (parts) => ({ kid, digest: hmac(parts).toString("base64url") }),
    keepOut(under, name, value) {
      const json = encodeDisclosure(formatBase64Url(randomBytes(saltBytes)), name, value)
      const subject = "subject" in under ? hmac([encodeUtf8(under.subject)]) : undefined
      const pseudonym = subject && `p1:${formatBase64Url(subject.subarray(0, pseudonymBytes))}`
      return { digest: disclosureDigest(json), json, pseudonym }
    },
  }
}
