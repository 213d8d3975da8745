/** An event as a writer says it (docs/spec/event.md). */
export interface AuditEvent {
  /** 1 to 128 bytes that JSON writes without escapes; unique per writer. */
  readonly id: string
  /** RFC 3339 with Z or offset, at most 35 bytes: when it happened, by the writer's clock. */
  readonly time: string
  /** 1 to 256 bytes that JSON writes without escapes, e.g. `app://billing`. */
  readonly source: string
  /** 1 to 128 bytes of `a-z 0-9 . _ : / -`, e.g. `invoice.deleted`. */
  readonly action: string
  readonly outcome: Outcome
  readonly actor: Actor
  readonly targets: readonly Target[]
  readonly v?: 1
  readonly sentAt?: string
  readonly category?: string
  readonly op?: string
  readonly severity?: string
  readonly tenant?: string
  readonly reason?: JsonObject
  readonly origin?: JsonObject
  readonly request?: JsonObject
  readonly response?: JsonObject
  readonly trace?: JsonObject
  readonly labels?: JsonObject
  /** Everything that has no key of its own. */
  readonly data?: JsonObject
  /** Delegation, nearest first. */
  readonly onBehalfOf?: readonly unknown[]
  /** Before and after. */
  readonly changes?: readonly unknown[]
  /** People mentioned. */
  readonly subjects?: readonly unknown[]
}

export type JsonObject = Readonly<Record<string, unknown>>

/** How it ended. */
export type Outcome = (typeof outcomes)[number]

/** Who did it. */
export interface Actor {
  readonly type: string
  readonly id: string
  readonly name?: string
  readonly [detail: string]: unknown
}

/** What it was done to. */
export interface Target {
  readonly type: string
  readonly id: string
  readonly [detail: string]: unknown
}

export const outcomes = ["success", "failure", "denied", "error", "unknown"] as const

/** The top-level keys of event v1 and their JSON types. */
export const eventKeys = {
  id: "string",
  time: "string",
  source: "string",
  action: "string",
  outcome: "string",
  actor: "object",
  targets: "array",
  v: "number",
  sentAt: "string",
  category: "string",
  op: "string",
  severity: "string",
  tenant: "string",
  reason: "object",
  origin: "object",
  request: "object",
  response: "object",
  trace: "object",
  labels: "object",
  data: "object",
  onBehalfOf: "array",
  changes: "array",
  subjects: "array",
} as const satisfies Record<keyof AuditEvent, "string" | "object" | "array" | "number">

export const idBytesMax = 128
export const sourceBytesMax = 256
export const timeBytesMax = 35
export const actionPattern = /^[a-z0-9._:/-]{1,128}$/
/** Actions of the port itself begin so. */
export const selfActionPrefix = "postern."

export function isOutcome(value: unknown): value is Outcome {
  return outcomes.some((outcome) => outcome === value)
}
