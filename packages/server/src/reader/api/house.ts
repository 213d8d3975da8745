import type { AccessList } from "../../access/index.ts"
import type { Policy } from "../../policy/rules/index.ts"
import type { Survey } from "../survey/index.ts"

/** What the read process knows of the house around the log. Times are microseconds since the epoch. */
export interface HouseView {
  /** The access list in force. */
  access(): AccessList
  survey(): Survey
  /** Whether the survey has reached the log's end once since the start. */
  isSurveyed(): boolean
  /** What the port says of itself now; undefined if it does not answer. */
  port(): Promise<PortFigures | undefined>
  /** The policy that the port works by; undefined if it has left none that can be read. */
  policy(): Promise<Policy | undefined>
  /** What the doctor found when it looked last; undefined if it left no word. */
  doctor(): Promise<DoctorsFindings | undefined>
  storage(): Promise<LogStorage>
  /** How the review of the access list stands; undefined if there is none that can be read. */
  review(): Promise<ReviewWord | undefined>
  readonly alerts: AlertsDesk
  /** The log's verifier key; undefined before the port has left it. */
  vkey(): Promise<string | undefined>
}

export interface AlertsDesk {
  /** The questions and alerts in force, and how they stand. */
  word(): Promise<AlertsWord>
  /** What each webhook of the alert answered to a test. Errors: NOT_FOUND, UNANSWERED, OVERLOADED. */
  test(name: string): Promise<readonly TestedWebhook[]>
}

export interface AlertsWord {
  readonly questions: readonly {
    readonly name: string
    readonly query: string
    readonly description: string
  }[]
  readonly alerts: readonly {
    readonly name: string
    readonly severity: string
    readonly query: string
    /** So many within `window` seconds. */
    readonly threshold: number
    readonly window: number
    readonly state: "clear" | "raised"
    readonly since: number | null
    /** Matches since it was raised. */
    readonly count: number
    readonly delivered: {
      readonly at: number
      readonly webhook: string
      readonly outcome: "taken" | "failed"
      readonly detail: string
    } | null
  }[]
}

export interface TestedWebhook {
  readonly webhook: string
  /** HTTP status; null if there was no answer. */
  readonly status: number | null
  /** Text of the receiver, or why there is none. */
  readonly answer: string
}

export interface PortFigures {
  readonly ready: { readonly ok: boolean; readonly lines: readonly string[] }
  readonly sessions: number | null
  /** Milliseconds. */
  readonly ackMs: { readonly p50: number; readonly p99: number } | null
  readonly policy: PolicyFigures
}

/** What the policy did since the start of the port. */
export interface PolicyFigures {
  readonly rules: readonly RuleFigures[]
  /** Most first. */
  readonly detected: readonly {
    readonly writer: string
    readonly detector: string
    readonly events: number
  }[]
}

export interface RuleFigures {
  readonly rule: string
  readonly events: number
  readonly did: Readonly<Record<string, number>>
  readonly bytesSaved: number
}

export interface DoctorsFindings {
  readonly at: number
  readonly checks: readonly {
    readonly id: string
    readonly severity: string
    readonly status: string
    readonly evidence: string
    readonly fix: string
  }[]
}

export interface LogStorage {
  readonly segments: readonly { readonly first: number; readonly bytes: number }[]
  readonly usedBytes: number
  readonly freeBytes: number
}

export interface ReviewWord {
  readonly due: string | null
  readonly state: "ok" | "due" | "overdue" | "open"
  /** Of the open review. */
  readonly answered: number
  readonly of: number
}
