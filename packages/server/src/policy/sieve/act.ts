import type { Hit } from "../detectors/index.ts"
import type { Doing, Pointer } from "../rules/index.ts"
import type { Span } from "./event-text.ts"

/** What is to be done at a place that a policy's pointer, or its level, names. */
export interface Step {
  readonly do: Doing | "cut"
  readonly at: Pointer
  /** `at` as the policy says it. */
  readonly pointer: Uint8Array
  /** The one place that it can name, for people; undefined if it has wildcards. */
  readonly place: string | undefined
  /** With `truncate`: how much of the value is left. */
  readonly bytes: number
  /** With `personal`: names that lead to who the value is about. */
  readonly subject: readonly string[]
}

/** How a member stands in its object. */
export interface Member {
  /** Where its object begins. */
  readonly holder: number
  /** Its number there, from 0. */
  readonly ordinal: number
  /** Its name, with quotes. */
  readonly nameFrom: number
  readonly nameTo: number
  /** The comma before it, if it is not the first. */
  readonly comma: number
}

/** Something to be done with one value of one event. No act's value is inside another's, but for what is `sealed`. */
export interface Act extends Span {
  readonly what:
    | "cut"
    | "redact"
    | "hmac"
    | "tokenise"
    | "truncate"
    | "personal"
    | "detected"
    | "sealed"
    /** A list of digests of which none is left: it goes, and nobody is told. */
    | "emptied"
  /** The value's place as a pointer, for people: cut short if it is long, and without a name that leaves with the value. */
  readonly at: string
  /** Undefined for an element of an array. */
  readonly member: Member | undefined
  /** The number of the policy's step that wants it; -1 if none does, as of what a detector found. */
  readonly step: number
  /** Of a truncated value: nothing of it may be shown, since something in it would not stand there. */
  readonly isHidden: boolean
  /** Of a text that detectors hit, in order. Without one that changes something it stays. */
  readonly hits: readonly Hit[]
}

export function changesText(hits: readonly Hit[]): boolean {
  return hits.some((hit) => hit.do !== "mark")
}

/** All that is to be done with one event. */
export interface Plan {
  /** In the order of their places. */
  readonly acts: readonly Act[]
  /** Names of what was detected, each once. */
  readonly detected: readonly string[]
}

/** Whether anything was done that a rule asks for, and not detectors or the class alone. */
export function isByRule({ acts }: Plan): boolean {
  return acts.some((act) => act.step >= 0)
}
