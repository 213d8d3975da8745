import { encodeUtf8, formatHex, PosternError, sha256 } from "@postern/log/base"
import { formatPath, readDocument } from "../../config/index.ts"
import type { sayableClasses } from "./class-names.ts"
import type { Conditions } from "./conditions-form.ts"
import { refuseContradictions } from "./contradictions.ts"
import type { Pointer } from "./pointer.ts"
import {
  type DetectForm,
  type doings,
  type levels,
  type packs,
  policyBounds,
  policyForm,
  type RuleForm,
  type TransformForm,
} from "./policy-form.ts"
import type { Retention } from "./retention-form.ts"

/** What is kept of an event, from all of it to nothing. */
export type Level = (typeof levels)[number]

export type Doing = (typeof doings)[number]

export interface Transform {
  readonly at: Pointer
  readonly do: Doing
  /** With `truncate` only: what is left, 16 to 65,536 bytes. */
  readonly bytes?: number
  /** With `personal` only, and then always: the text that names the person; no wildcards. */
  readonly subject?: Pointer
}

export interface Rule {
  readonly name: string
  /** As they are written, each as a list; {} = every event. */
  readonly match: Conditions
  readonly level: Level
  /** Above 0 and below 1. */
  readonly sample: number | undefined
  /** 1 to 3,600. */
  readonly deduplicateSeconds: number | undefined
  readonly transforms: readonly Transform[]
}

export type DetectorGroup = "secrets" | "cards" | "accounts" | "contacts" | "addresses" | "entropy"
export type Pack = (typeof packs)[number]
export type DetectorDoing = "off" | "mark" | "hmac" | "redact" | "truncate"

export interface Detect {
  readonly groups: Readonly<Record<DetectorGroup, DetectorDoing>>
  readonly packs: readonly Pack[]
  /** In RE2's syntax. */
  readonly patterns: readonly DetectorPattern[]
  /** Not looked at, with all that is inside. */
  readonly allow: readonly Pointer[]
}

export interface DetectorPattern {
  readonly name: string
  readonly pattern: string
  readonly do: "mark" | "hmac" | "redact"
}

/** What the policy says an action is, in the order in which it is asked; each an action, or its beginning with `*`. */
export type SaidClasses = Readonly<Record<(typeof sayableClasses)[number], readonly string[]>>

/** One version of policy.yaml. */
export interface Policy {
  /** SHA-256 of the text, lower-case hex. */
  readonly digest: string
  readonly text: string
  /** The first that matches decides. */
  readonly rules: readonly Rule[]
  /** What is kept of an event that no rule matches. */
  readonly unmatched: "full" | "metadata"
  readonly classes: SaidClasses
  readonly detect: Detect | undefined
  readonly retention: Retention | undefined
}

/** The empty text, and where no file is: every event is kept as it came. */
export const keepEverything: Policy = {
  digest: digestOf(""),
  text: "",
  rules: [],
  unmatched: "full",
  classes: { read: [], change: [], system: [] },
  detect: undefined,
  retention: undefined,
}

/**
 * Text of policy.yaml to a policy, the empty one to keepEverything; what is not understood, contradicts itself or can have no effect is refused as a whole.
 * Errors: POLICY_INVALID, `line N: field: what is wrong`, for the first thing that is wrong.
 */
export function parsePolicy(text: string): Policy {
  if (text === keepEverything.text) return keepEverything
  const kind = { code: "POLICY_INVALID", textMax: policyBounds.text } as const
  const { value, lineOf } = readDocument(text, policyForm, kind)
  const { classes, detect, retention } = value
  const policy: Policy = {
    digest: digestOf(text),
    text,
    rules: value.rules.map(makeRule),
    unmatched: "metadata",
    classes: {
      read: classes.read ?? [],
      change: classes.change ?? [],
      system: classes.system ?? [],
    },
    detect: detect === undefined ? undefined : makeDetect(detect),
    retention,
  }
  refuseContradictions(policy, (at, what) => {
    throw new PosternError("POLICY_INVALID", `line ${lineOf(at)}: ${formatPath(at)}: ${what}`)
  })
  return policy
}

function digestOf(text: string): string {
  return formatHex(sha256(encodeUtf8(text)))
}

const actorId: Pointer = ["actor", "id"]

function makeRule(form: RuleForm): Rule {
  return {
    name: form.name,
    match: form.match ?? {},
    level: form.level,
    sample: form.sample,
    deduplicateSeconds: form.deduplicate,
    transforms: (form.transforms ?? []).map(makeTransform),
  }
}

function makeTransform({ at, do: doing, bytes, subject }: TransformForm): Transform {
  if (doing === "personal") return { at, do: doing, subject: subject ?? actorId }
  return bytes === undefined ? { at, do: doing } : { at, do: doing, bytes }
}

function makeDetect({ packs, patterns, allow, ...groups }: DetectForm): Detect {
  return { groups, packs, patterns, allow }
}
