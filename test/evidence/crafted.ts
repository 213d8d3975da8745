import type { Draft } from "./drafts.ts"

/** An evidence file that was made on purpose, and what any verifier has to say about it. */
export interface Crafted {
  readonly name: string
  readonly bytes: Buffer
  /** The policy of small-log.ts, or its verifier key alone. */
  readonly trust: "policy" | "vkey"
  readonly verdict: "WITNESSED" | "SIGNED-ONLY" | "FORK-EVIDENCE" | "INVALID" | "UNKNOWN"
  /** Leaves whose bytes the writer's signatures cover. */
  readonly writerSigned?: number
  /** Values in the file, and values of its leaves that are not. */
  readonly disclosed?: number
  readonly withheld?: number
}

/** One good draft of each sort. */
export interface Drafts {
  readonly set: Draft
  readonly range: Draft
  readonly streamA: Draft
  readonly streamB: Draft
  readonly http: Draft
  readonly fork: Draft
}

export function bad(name: string, bytes: Buffer): Crafted {
  return { name, bytes, trust: "policy", verdict: "INVALID" }
}
