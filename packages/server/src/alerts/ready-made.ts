/**
 * How a match becomes an alert. count: so many within a time · until: raised by one, cleared by a match of another query ·
 * burst: far more than usual · new: the first of its kind · outside-hours: a match at a time when nobody works.
 */
export type Shape = "count" | "until" | "burst" | "new" | "outside-hours"

/** Per what an alert is held: each writer or actor has its own count and its own state. */
export type Per = "writer" | "actor"

export interface ReadyMade {
  readonly description: string
  readonly query: string
  readonly shape: Shape
  /** Shape `until`: what clears it. */
  readonly until?: string
  readonly by?: Per
  /** Shape `new`: what must be new beside the writer. */
  readonly novelty?: "writer" | "address"
  /** Shape `burst`: the number that each match stands for, in `data.count`; otherwise 1. */
  readonly weighs?: true
  /** At least so many within `withinMs`; for a burst, never fewer than so many a minute. */
  readonly count: number
  readonly withinMs: number
  readonly severity: Severity
}

export const severities = ["low", "medium", "high", "critical"] as const
export type Severity = (typeof severities)[number]

const minutes = 60_000
const once = { count: 1, withinMs: 10 * minutes } as const
const openings = "action:(postern.stream.opened OR postern.stream.continued)"
const reads = "action:(postern.read OR postern.tail.opened OR postern.evidence)"

/** The alerts that need no query of one's own; alerts.yaml names them by `watch`. */
export const readyMade = {
  gap: {
    description: "events that a writer lost, or entries of the log's own",
    query: "action:(postern.stream.gap OR postern.own.lost OR postern.loss)",
    ...{ shape: "count", by: "writer", ...once, severity: "high" },
  },
  "silent-writer": {
    description: "a writer with a cadence in the access list says nothing, until it does again",
    query: "action:postern.writer.silent",
    until: "action:postern.writer.heard",
    ...{ shape: "until", by: "writer", ...once, severity: "high" },
  },
  burst: {
    description: "a writer sends far more a minute than it usually does",
    query: "",
    ...{ shape: "burst", by: "writer", count: 600, withinMs: 5 * minutes, severity: "medium" },
  },
  "new-writer": {
    description: "an identity writes that never wrote before",
    query: openings,
    ...{ shape: "new", by: "writer", novelty: "writer", ...once, severity: "medium" },
  },
  "new-address": {
    description: "a writer comes from an address that it never came from",
    query: openings,
    ...{ shape: "new", by: "writer", novelty: "address", ...once, severity: "medium" },
  },
  clock: {
    description: "the port's clock was set, or is not where the witnesses' are",
    query: "action:postern.clock.stepped OR (action:postern.clock.checked AND outcome:failure)",
    ...{ shape: "count", ...once, severity: "medium" },
  },
  doctor: {
    description: "a check of postern doctor fails, until all are well again",
    query: "action:postern.doctor.examined AND outcome:failure",
    until: "action:postern.doctor.examined AND outcome:success",
    ...{ shape: "until", ...once, severity: "high" },
  },
  refusals: {
    description: "far more is refused a minute than usually is",
    query: "action:postern.refused",
    ...{ shape: "burst", weighs: true, count: 30, withinMs: 5 * minutes, severity: "medium" },
  },
  access: {
    description: "access list, approvals or keys were changed, or a change was refused",
    query:
      "(action:postern.access.loaded AND data.previous:*) OR action:(postern.access.refused OR postern.access.approved OR " +
      "postern.key.rolled OR postern.key.retired OR postern.tls.refused)",
    ...{ shape: "count", ...once, severity: "medium" },
  },
  policy: {
    description: "the policy was changed so that less is kept or hidden",
    query: "action:postern.policy.loaded AND data.weakens:true",
    ...{ shape: "count", ...once, severity: "medium" },
  },
  "policy-refused": {
    description: "a changed policy was not acceptable, until one is in force",
    query: "action:postern.policy.refused",
    until: "action:postern.policy.loaded",
    ...{ shape: "until", ...once, severity: "high" },
  },
  detected: {
    description: "detectors find far more a minute in what a writer sends than they usually do",
    query: "action:postern.policy.tally AND data.did:detected",
    ...{ shape: "burst", by: "writer", weighs: true, count: 10, withinMs: 5 * minutes },
    severity: "high",
  },
  "not-kept": {
    description: "the policy keeps far fewer of a writer's events than it usually does",
    query: "action:postern.policy.tally AND data.did:(dropped OR sampled OR deduplicated)",
    ...{ shape: "burst", by: "writer", weighs: true, count: 600, withinMs: 5 * minutes },
    severity: "medium",
  },
  "break-glass": {
    description: "break-glass read access was opened",
    query: "action:postern.breakglass.opened",
    ...{ shape: "count", ...once, severity: "critical" },
  },
  "reads-out-of-hours": {
    description: "somebody reads the log outside working hours",
    query: reads,
    ...{ shape: "outside-hours", by: "actor", ...once, severity: "low" },
  },
  evidence: {
    description: "an evidence file, disclosed values or whole stretches of the log leave the house",
    query:
      "action:postern.evidence OR (action:postern.read AND data.what:(slots OR bundle OR disclosure))",
    ...{ shape: "count", by: "actor", ...once, severity: "low" },
  },
} as const satisfies Record<string, ReadyMade>

export type AlertWatch = keyof typeof readyMade
