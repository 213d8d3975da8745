import { type AlarmChange, type AlarmName, alarmSeverity, type Raised } from "./alarm.ts"

/** Milliseconds, by the monitor's clock. */
export interface MonitorLimits {
  /** Without an answer for so long: `unreachable`. */
  readonly silentMs: number
  /** Entries without a checkpoint, or checkpoints without the quorum, for so long: `stale`, `unwitnessed`. */
  readonly staleMs: number
  /** Without growth for so long: `idle`. Undefined: the log may rest. */
  readonly idleMs: number | undefined
}

/** One thing that the monitor found out. */
export type Observation =
  /** It begins. `why` is what became of its memory, if there is none. */
  | { readonly what: "opened"; readonly forgotten?: string }
  | { readonly what: "silent"; readonly detail: string }
  /** A checkpoint whose signature is right and that is consistent with all that were seen. */
  | {
      readonly what: "seen"
      readonly size: number
      /** Entries that the log says it has. */
      readonly head: number
      /** Whether the policy's quorum stands behind it; undefined if none is asked for. */
      readonly quorum: boolean | undefined
    }
  /** The newest checkpoint leads to what is served. */
  | { readonly what: "derived"; readonly saw: "entries" | "hashes" }
  /** An answer that is wrong. */
  | {
      readonly what: "wrong"
      readonly alarm: "contradiction" | "bad-signature" | "bad-proof" | "rolled-back" | "bad-tree"
      readonly detail: string
      readonly evidence?: string
    }

/** Plain data; times are milliseconds since 1970. */
export interface MonitorState {
  readonly raised: readonly Raised[]
  /** Of the newest checkpoint. */
  readonly size: number
  /** When it was first seen; undefined before the first. */
  readonly grownAt: number | undefined
  /** Since when there are entries that this checkpoint does not cover. */
  readonly lagSince: number | undefined
  /** Since when no checkpoint with the quorum was seen. */
  readonly unwitnessedSince: number | undefined
  /** Whether entries were ever shown. */
  readonly sawEntries: boolean
  /** The last answer, of whatever kind; or when the monitor began. */
  readonly answeredAt: number | undefined
}

export const firstState: MonitorState = {
  raised: [],
  size: 0,
  grownAt: undefined,
  lagSince: undefined,
  unwitnessedSince: undefined,
  sawEntries: false,
  answeredAt: undefined,
}

export interface Step {
  readonly state: MonitorState
  /** Only what changed. */
  readonly changes: readonly AlarmChange[]
}

/** What an observation means. Pure; `now` is milliseconds since 1970, and a clock that goes back raises nothing. */
export function step(
  state: MonitorState,
  observation: Observation,
  now: number,
  limits: MonitorLimits,
): Step {
  const alarms = new Alarms(state.raised, now)
  const next = observe(state, observation, now, limits, alarms)
  return { state: { ...next, raised: alarms.raised }, changes: alarms.changes }
}

function observe(
  state: MonitorState,
  observation: Observation,
  now: number,
  limits: MonitorLimits,
  alarms: Alarms,
): MonitorState {
  switch (observation.what) {
    case "opened":
      if (observation.forgotten === undefined) alarms.recover("forgotten")
      else alarms.raise("forgotten", now, observation.forgotten)
      return { ...state, answeredAt: now }
    case "silent": {
      const since = state.answeredAt ?? now
      if (now - since >= limits.silentMs) alarms.raise("unreachable", since, observation.detail)
      return { ...state, answeredAt: since }
    }
    case "wrong": {
      const { alarm, detail, evidence } = observation
      alarms.recover("unreachable")
      alarms.raise(alarm, now, detail, evidence)
      return { ...state, answeredAt: now }
    }
    case "derived": {
      alarms.recover("bad-tree")
      const shown = observation.saw === "entries"
      const hidden = state.sawEntries && !shown
      alarms.hold("hidden", hidden, now, "entries were shown before, now only their hashes are")
      return { ...state, sawEntries: state.sawEntries || shown }
    }
    case "seen":
      alarms.recover("unreachable")
      for (const alarm of ["bad-signature", "bad-proof", "rolled-back"] as const) {
        alarms.recover(alarm)
      }
      return see(state, observation, now, limits, alarms)
  }
}

function see(
  state: MonitorState,
  { size, head, quorum }: Observation & { what: "seen" },
  now: number,
  limits: MonitorLimits,
  alarms: Alarms,
): MonitorState {
  const grown = state.grownAt === undefined || size > state.size
  const grownAt = grown ? now : state.grownAt
  // A log that grows is always a little ahead of its checkpoints: they must move, not catch up.
  const lagSince = head <= size ? undefined : grown ? now : (state.lagSince ?? now)
  const unwitnessedSince = quorum === false ? (state.unwitnessedSince ?? now) : undefined
  const late = (since: number | undefined, ms: number) => since !== undefined && now - since >= ms
  const lag = `${head} entries are served, the newest checkpoint covers ${size}`
  alarms.hold("stale", late(lagSince, limits.staleMs), lagSince, lag)
  const lacking = `no checkpoint with the policy's quorum, the newest has ${size} entries`
  alarms.hold("unwitnessed", late(unwitnessedSince, limits.staleMs), unwitnessedSince, lacking)
  const { idleMs } = limits
  const rests = idleMs !== undefined && late(grownAt, idleMs)
  alarms.hold("idle", rests, grownAt, `the log has not grown beyond ${size} entries`)
  return { ...state, size, grownAt, lagSince, unwitnessedSince, answeredAt: now }
}

/** The alarms that are on, while an observation is looked at. */
class Alarms {
  readonly changes: AlarmChange[] = []
  readonly #raised: Map<AlarmName, Raised>
  readonly #now: number

  constructor(raised: readonly Raised[], now: number) {
    this.#raised = new Map(raised.map((one) => [one.alarm, one]))
    this.#now = now
  }

  get raised(): Raised[] {
    return [...this.#raised.values()]
  }

  /** What is on already stays as it was raised. */
  raise(alarm: AlarmName, since: number, detail: string, evidence?: string): void {
    if (this.#raised.has(alarm)) return
    const raised = { alarm, since, detail, ...(evidence === undefined ? {} : { evidence }) }
    this.#raised.set(alarm, raised)
    this.changes.push({ ...raised, state: "raised", at: this.#now })
  }

  recover(alarm: AlarmName): void {
    const raised = this.#raised.get(alarm)
    if (raised === undefined) return
    this.#raised.delete(alarm)
    this.changes.push({ ...raised, state: "recovered", at: this.#now })
  }

  hold(alarm: AlarmName, on: boolean, since: number | undefined, detail: string): void {
    if (on) this.raise(alarm, since ?? this.#now, detail)
    else this.recover(alarm)
  }
}

/** Whether this alarm is on. */
export function isRaised(state: MonitorState, alarm: AlarmName): boolean {
  return state.raised.some((one) => one.alarm === alarm)
}

/** The gravest alarm that is on, the oldest of several. */
export function gravest(state: MonitorState): Raised | undefined {
  const critical = state.raised.find(({ alarm }) => alarmSeverity[alarm] === "critical")
  const contradiction = state.raised.find(({ alarm }) => alarm === "contradiction")
  return contradiction ?? critical ?? state.raised[0]
}
