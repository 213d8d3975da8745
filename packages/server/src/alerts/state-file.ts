import { PosternError } from "@postern/log/base"
import { z } from "zod"
import type { AlertRules } from "./rules.ts"
import { type AlertState, type AlertsState, raisedKeys } from "./state.ts"

/**
 * `data/state/courier/alerts.json`: what the courier knows of alerts, replaced as a whole when an alert changes and every few
 * seconds. The reader process and `postern alert list` show `alerts` from it; `memory` is the courier's own, from which it goes on
 * after a restart.
 */
export const alertsFileName = "alerts.json"

const outcomes = ["taken", "failed"] as const

const delivery = z.strictObject({
  /** Milliseconds since the epoch. */
  atMs: z.number(),
  webhook: z.string(),
  outcome: z.enum(outcomes),
  /** What it answered, or why there was no answer. */
  detail: z.string(),
})
/** How a notification of an alert fared. */
export type LastDelivery = z.output<typeof delivery>

const standing = z.strictObject({
  name: z.string(),
  description: z.string(),
  severity: z.string(),
  /** Undefined for one of its own query. */
  watch: z.string().optional(),
  query: z.string(),
  state: z.enum(["clear", "raised"]),
  /** RFC 3339, by the log: since when it is so; absent if it never changed. */
  since: z.string().optional(),
  /** Writers or actors for which it is raised, with the entries that counted. */
  raised: z.array(
    z.strictObject({
      of: z.string().optional(),
      since: z.string(),
      count: z.number(),
      first: z.number(),
      last: z.number(),
    }),
  ),
  to: z.array(z.string()),
  lastDelivery: delivery.optional(),
})
/** An alert as people see it. */
export type AlertStanding = z.output<typeof standing>

const waiting = z.strictObject({
  /** The same for each attempt. */
  id: z.string(),
  webhook: z.string(),
  alert: z.string(),
  /** JSON that is sent. */
  body: z.string(),
  madeMs: z.number(),
})
/** A notification that is to be delivered. */
export type Waiting = z.output<typeof waiting>

const key = z.strictObject({
  key: z.string(),
  slices: z.array(z.number()),
  last: z.number(),
  usual: z
    .strictObject({
      ...{ minute: z.number(), current: z.number(), minutes: z.number() },
      ...{ mean: z.number(), variance: z.number() },
    })
    .optional(),
  raised: z.strictObject({ sinceMs: z.number(), first: z.number(), total: z.number() }).optional(),
  quietMs: z.number().optional(),
})

const alert = z.strictObject({
  name: z.string(),
  definition: z.string(),
  keys: z.array(key),
  raises: z.number(),
  told: z.array(z.tuple([z.string(), z.number()])),
  noticeMs: z.number().optional(),
  changed: z.strictObject({ timeMs: z.number(), first: z.number(), last: z.number() }).optional(),
})

const form = z.strictObject({
  postern: z.literal("alerts@v1"),
  /** SHA-256 of the alerts.yaml in force. */
  digest: z.string(),
  /** Index of the entry that is looked at next, and when the file was written (milliseconds since the epoch). */
  position: z.int().min(0),
  writtenMs: z.number(),
  /** Why the alerts.yaml on disk is not the one in force. */
  refused: z.string().optional(),
  alerts: z.array(standing),
  memory: z.strictObject({
    timeMs: z.number(),
    alerts: z.array(alert),
    known: z.array(z.tuple([z.string(), z.array(z.string())])),
    noticesMs: z.array(z.number()),
    waiting: z.array(waiting),
  }),
})

export interface AlertsFile {
  readonly digest: string
  readonly writtenMs: number
  readonly refused: string | undefined
  readonly alerts: readonly AlertStanding[]
  readonly state: AlertsState
  readonly waiting: readonly Waiting[]
}

export interface AlertsFileParts {
  readonly rules: AlertRules
  readonly state: AlertsState
  readonly writtenMs: number
  readonly refused: string | undefined
  readonly waiting: readonly Waiting[]
  readonly deliveries: ReadonlyMap<string, LastDelivery>
}

export function formatAlertsFile(parts: AlertsFileParts): string {
  const { rules, state, writtenMs, refused, waiting: left, deliveries } = parts
  const { position, timeMs, known, noticesMs } = state
  const alerts = rules.alerts.map(({ name, description, severity, watch, queryText, to }) => {
    const one = state.alerts.get(name)
    const lastDelivery = deliveries.get(name)
    return {
      ...{ name, description, severity, watch, query: queryText, to },
      ...standingOf(one),
      lastDelivery,
    }
  })
  const memory = {
    ...{ timeMs, known: [...known], noticesMs, waiting: left },
    alerts: [...state.alerts].map(([name, { keys, told, ...one }]) => ({
      ...{ name, ...one, told: [...told] },
      keys: [...keys].map(([key, of]) => ({ key, ...of })),
    })),
  }
  const head = { postern: "alerts@v1", digest: rules.digest, position, writtenMs, refused }
  return `${JSON.stringify({ ...head, alerts, memory })}\n`
}

function standingOf(
  one: AlertState | undefined,
): Pick<AlertStanding, "state" | "since" | "raised"> {
  if (one === undefined) return { state: "clear", raised: [] }
  const raised = raisedKeys(one).map(([key, { raised: since, last }]) => ({
    ...(key === "" ? {} : { of: key }),
    ...{ since: iso(since.sinceMs), count: since.total, first: since.first, last },
  }))
  if (raised.length > 0) {
    return { state: "raised", since: raised.map(({ since }) => since).sort()[0] as string, raised }
  }
  const { changed } = one
  return {
    state: "clear",
    ...(changed === undefined ? {} : { since: iso(changed.timeMs) }),
    raised,
  }
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** Errors: ALERTS_INVALID for what formatAlertsFile() did not write. */
export function parseAlertsFile(text: string): AlertsFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PosternError("ALERTS_INVALID", `${alertsFileName} is not JSON`, { cause })
  }
  const read = form.safeParse(value)
  if (!read.success) throw new PosternError("ALERTS_INVALID", `${alertsFileName} is damaged`)
  const { digest, position, writtenMs, refused, alerts, memory } = read.data
  const { timeMs, known, noticesMs, waiting: left } = memory
  const states = memory.alerts.map(
    ({ name, keys, told, definition, raises, ...one }): [string, AlertState] => [
      name,
      {
        ...{ definition, raises, told: new Map(told) },
        ...{ noticeMs: one.noticeMs, changed: one.changed },
        keys: new Map(
          keys.map(({ key: name, slices, last, usual, raised, quietMs }) => [
            name,
            { slices, last, usual, raised, quietMs },
          ]),
        ),
      },
    ],
  )
  const state = { position, timeMs, alerts: new Map(states), known: new Map(known), noticesMs }
  return { digest, writtenMs, refused, alerts, state, waiting: left }
}
