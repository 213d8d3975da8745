import type { Outcome } from "@postern/log/event"
import { actionOf, clipText, type ForeignMembers, said, unknownActor } from "../../formats/index.ts"

/** Attributes of a log record that have a member in event v1, or name it. */
export const attributeNames = [
  "event.name",
  "action",
  "event.outcome",
  "enduser.id",
  "user.id",
  "user.name",
  "client.address",
  "user_agent.original",
  "log.record.uid",
] as const
export type AttributeName = (typeof attributeNames)[number]

/** What is read of a log record, in either encoding. Texts that are not there, or empty, or stand twice, are undefined. */
export interface OtlpFacts {
  readonly eventName: string | undefined
  readonly attributes: Readonly<Partial<Record<AttributeName, string>>>
  /** Nanoseconds since 1970: when it happened, else when it was seen; 0 = not said. */
  readonly timeNs: bigint
  /** 1 to 24; 0 = not said. */
  readonly severityNumber: number
  readonly severityText: string | undefined
  /** Lower-case hex. */
  readonly traceId: string | undefined
  readonly spanId: string | undefined
}

export function otlpMembers(facts: OtlpFacts): ForeignMembers {
  const { attributes } = facts
  const time = formatNs(facts.timeNs)
  const severity = severityOf(facts)
  const id = attributes["log.record.uid"]
  const trace = said({ traceId: facts.traceId, spanId: facts.spanId })
  const ip = attributes["client.address"]
  const userAgent = attributes["user_agent.original"]
  const origin = said({ ip: ip && clipText(ip), userAgent: userAgent && clipText(userAgent) })
  const name = facts.eventName ?? attributes["event.name"] ?? attributes.action
  return {
    ...(id === undefined ? {} : { id }),
    ...(time === undefined ? {} : { time }),
    action: actionOf(name ?? "otlp.log"),
    outcome: outcomeOf(attributes["event.outcome"]),
    actor: actorOf(attributes),
    targets: [],
    ...(severity === undefined ? {} : { severity }),
    ...(origin === undefined ? {} : { origin }),
    ...(trace === undefined ? {} : { trace }),
  }
}

const outcomes = ["success", "failure", "denied", "error"] as const

function outcomeOf(said: string | undefined): Outcome {
  return outcomes.find((one) => one === said) ?? "unknown"
}

function actorOf(attributes: OtlpFacts["attributes"]): ForeignMembers["actor"] {
  const name = attributes["user.name"]
  const id = attributes["enduser.id"] ?? attributes["user.id"] ?? name
  if (id === undefined) return unknownActor
  const isNamed = name !== undefined && name !== id
  return { type: "user", id: clipText(id), ...(isNamed ? { name: clipText(name) } : {}) }
}

const severityWords = ["trace", "debug", "info", "warn", "error", "fatal"] as const

/** Four numbers share a word. */
function severityOf({ severityNumber, severityText }: OtlpFacts): string | undefined {
  const word = severityWords[Math.floor((severityNumber - 1) / 4)]
  return word ?? (severityText && clipText(severityText).toLowerCase())
}

const nsPerSecond = 1_000_000_000n
let knownSecond = -1n
let knownText = ""

/** RFC 3339 with nine digits of a second; undefined for 0. */
function formatNs(ns: bigint): string | undefined {
  if (ns === 0n) return undefined
  const second = ns / nsPerSecond
  if (second !== knownSecond) {
    knownText = new Date(Number(second) * 1000).toISOString().slice(0, -5)
    knownSecond = second
  }
  return `${knownText}.${String(ns - second * nsPerSecond).padStart(9, "0")}Z`
}
