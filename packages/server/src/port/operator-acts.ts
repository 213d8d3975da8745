import { PosternError } from "@postern/log/base"
import type { OwnEntry, OwnStream } from "./own-stream.ts"

/** What operators do beside the port and tell it, so that it stands in the log (docs/spec/log.md, Self-events). */
const acts: ReadonlySet<string> = new Set([
  "postern.access.expired",
  "postern.doctor.examined",
  "postern.firewall.applied",
  "postern.firewall.confirmed",
  "postern.firewall.drifted",
  "postern.firewall.found",
  "postern.firewall.rolled-back",
])
const outcomes = ["success", "failure", "unknown"] as const
/** Of `data`, as JSON. */
const dataLengthMax = 4096

/** The newest word of a doctor. */
export interface DoctorsWord {
  readonly result: string
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

/** Enters what operators say that they did; who they are comes from their certificates. */
export class OperatorActs {
  readonly #own: Pick<OwnStream, "record">
  readonly #now: () => number
  #doctor: DoctorsWord | undefined

  constructor(own: Pick<OwnStream, "record">, now: () => number) {
    this.#own = own
    this.#now = now
  }

  get doctor(): DoctorsWord | undefined {
    return this.#doctor
  }

  /** @param told JSON of the operator. Errors: REQUEST_INVALID. */
  record(told: unknown, operator: string): { readonly recorded: true } {
    const { action, outcome, data } = readAct(told)
    const targets = [{ type: "operator", id: operator }]
    this.#own.record({ action, outcome, targets, data: { ...data, operator } })
    if (action === "postern.doctor.examined") {
      this.#doctor = { result: String(data.result), atMs: this.#now() }
    }
    return { recorded: true }
  }
}

function readAct(told: unknown): Pick<OwnEntry, "action" | "outcome" | "data"> {
  const { action, outcome, data } = (isRecord(told) ? told : {}) as Record<string, unknown>
  if (typeof action !== "string" || !acts.has(action)) {
    throw new PosternError("REQUEST_INVALID", `action is one of ${[...acts].join(", ")}`)
  }
  const known = outcomes.find((one) => one === outcome)
  if (known === undefined) {
    throw new PosternError("REQUEST_INVALID", `outcome is one of ${outcomes.join(", ")}`)
  }
  if (!isRecord(data) || JSON.stringify(data).length > dataLengthMax) {
    throw new PosternError("REQUEST_INVALID", `data is an object of at most ${dataLengthMax} bytes`)
  }
  return { action, outcome: known, data }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
