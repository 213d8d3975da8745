import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  type AlertRules,
  type AlertsState,
  type Effect,
  formatAlertsFile,
  type Notice,
  newAlertsState,
  notificationsPerMinute,
  parseAlertsFile,
  type Step,
  step,
} from "./index.ts"
import { entry, mondayMs, rulesOf } from "./observed.test.support.ts"

const minute = 60_000
const names = Array.from({ length: 60 }, (_, at) => `a${at}`)
const severityOf = (at: number) => ["low", "medium", "high", "critical"][at % 4]
/** Sixty alerts, each on an action of its own; held down for a minute. */
const rules = rulesOf(
  ...names.map(
    (name, at) =>
      `name: ${name}, query: "action:${name}", severity: ${severityOf(at)}, within: 10s, holdDown: 1m, to: [pager]`,
  ),
)

interface Moment {
  /** Milliseconds after the last one. */
  readonly after: number
  /** Which alerts are hit. */
  readonly hits: readonly number[]
}

const moments = fc.array(
  fc.record({
    after: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 90_000 })),
    hits: fc.array(fc.nat(names.length - 1), { maxLength: 40 }),
  }),
  { maxLength: 40 },
)

function stepsOf(all: readonly Moment[]): { readonly what: Step; readonly nowMs: number }[] {
  let nowMs = mondayMs
  let index = 0
  return all.flatMap(({ after, hits }) => {
    nowMs += after
    const seen = hits.map((hit) => {
      const event = { action: names[hit] }
      return {
        what: { kind: "entry", entry: entry({ index: index++, timeMs: nowMs, event }) } as const,
        nowMs,
      }
    })
    return [...seen, { what: { kind: "tick", upToDate: true } as const, nowMs }]
  })
}

function run(all: readonly Moment[], state: AlertsState) {
  const made: { readonly notice: Notice; readonly nowMs: number }[] = []
  for (const { what, nowMs } of stepsOf(all)) {
    for (const effect of step(state, rules, what, nowMs)) {
      if (effect.kind === "notice") made.push({ notice: effect.notice, nowMs })
    }
  }
  return made
}

function restart(state: AlertsState, rules: AlertRules): AlertsState {
  const text = formatAlertsFile({
    ...{ rules, state, writtenMs: 0, refused: undefined, waiting: [], deliveries: new Map() },
  })
  return parseAlertsFile(text).state
}

describe("notifications", () => {
  test("are never more than the cap in any minute, nor more than one per alert and hold-down", () => {
    fc.assert(
      fc.property(moments, (all) => {
        const made = run(all, newAlertsState(0))
        for (const { nowMs } of made) {
          const within = made.filter((one) => one.nowMs >= nowMs && one.nowMs < nowMs + minute)
          expect(within.length).toBeLessThanOrEqual(notificationsPerMinute)
          const alerts = within.flatMap(({ notice }) =>
            notice.kind === "alert" ? [notice.alert] : [...notice.alerts],
          )
          expect(new Set(alerts).size).toBe(alerts.length)
        }
      }),
      { numRuns: 100 },
    )
  })

  test("tell of every raise in the end, apart or in a summary", () => {
    fc.assert(
      fc.property(moments, (all) => {
        const state = newAlertsState(0)
        const raised = new Set<string>()
        const told = new Set<string>()
        const end: Moment[] = Array.from({ length: 10 }, () => ({ after: minute, hits: [] }))
        for (const { what, nowMs } of stepsOf([...all, ...end])) {
          for (const effect of step(state, rules, what, nowMs)) {
            if (effect.kind === "entry") raised.add(String(effect.data.alert))
            else if (effect.notice.kind === "alert") told.add(effect.notice.alert)
            else for (const name of effect.notice.alerts) told.add(name)
          }
        }
        expect(told).toEqual(raised)
      }),
      { numRuns: 100 },
    )
  })

  test("sixty at once are the worst ones apart and the others in one", () => {
    const made = run([{ after: 0, hits: names.map((_, at) => at) }], newAlertsState(0))
    expect(made).toHaveLength(notificationsPerMinute)
    const apart = made.flatMap(({ notice }) => (notice.kind === "alert" ? [notice] : []))
    expect(apart.slice(0, 15).every(({ severity }) => severity === "critical")).toBe(true)
    expect(made.at(-1)?.notice).toMatchObject({ kind: "summary", heldBack: 31, to: ["pager"] })
  })

  test("say that it was cleared, after the hold-down, and what came and went meanwhile", () => {
    const hit: Moment = { after: 0, hits: [0] }
    const quiet: Moment = { after: 15_000, hits: [] }
    const made = run([hit, quiet, quiet, hit, quiet, quiet, quiet], newAlertsState(0))
    expect(
      made.map(({ notice, nowMs }) => [notice.kind === "alert" && notice.state, nowMs - mondayMs]),
    ).toEqual([
      ["raised", 0],
      ["cleared", 60_000],
    ])
    expect(made[1]?.notice).toMatchObject({ raises: 1, first: 1, last: 1 })
  })

  test("tell what came and went within one hold-down, though nothing is raised at its end as before", () => {
    const hit: Moment = { after: 0, hits: [0] }
    const quiet = (after: number): Moment => ({ after, hits: [] })
    const meanwhile = [quiet(5_000), hit, quiet(15_000), quiet(15_000)]
    const made = run(
      [hit, quiet(15_000), quiet(60_000), ...meanwhile, quiet(60_000)],
      newAlertsState(0),
    )
    const told = made.map(({ notice }) => notice.kind === "alert" && [notice.state, notice.raises])
    expect(told).toEqual([
      ["raised", 1],
      ["cleared", 0],
      ["cleared", 1],
    ])
  })

  test("go to nobody if the alert names nobody", () => {
    const quiet = rulesOf('name: x, query: "action:a.b", severity: low')
    const state = newAlertsState(0)
    const effects = [
      ...step(
        state,
        quiet,
        { kind: "entry", entry: entry({ index: 0, timeMs: mondayMs }) },
        mondayMs,
      ),
      ...step(state, quiet, { kind: "tick", upToDate: true }, mondayMs),
    ]
    expect(effects.map(({ kind }) => kind)).toEqual(["entry"])
  })
})

describe("the file of the state", () => {
  const several = rulesOf(
    'name: own, query: "outcome:denied", count: 3, within: 1m, by: actor, severity: high, to: [pager]',
    "name: burst, watch: burst, count: 5, to: [pager]",
    "name: new, watch: new-writer",
  )
  const steps = fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 40_000 }),
      actor: fc.constantFrom("alice", "bob", "__proto__"),
      outcome: fc.constantFrom("denied", "success"),
      isOpening: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  )

  test("a restart at any point changes nothing that comes after it", () => {
    fc.assert(
      fc.property(steps, fc.nat(60), (all, cut) => {
        const once: Effect[] = []
        const twice: Effect[] = []
        const whole = newAlertsState(0)
        let parted = newAlertsState(0)
        let nowMs = mondayMs
        for (const [index, { after, actor, outcome, isOpening }] of all.entries()) {
          nowMs += after
          if (index === cut) parted = restart(parted, several)
          const opening = {
            action: "postern.stream.opened",
            data: { writer: actor, from: `10.0.0.${index}:1` },
          }
          const event = {
            outcome,
            actor: { type: "user", id: actor },
            ...(isOpening ? opening : {}),
          }
          const seen = entry({ index, timeMs: nowMs, writer: "w", event })
          for (const what of [
            { kind: "entry", entry: seen },
            { kind: "tick", upToDate: true },
          ] as const) {
            once.push(...step(whole, several, what, nowMs))
            twice.push(...step(parted, several, what, nowMs))
          }
        }
        expect(twice).toEqual(once)
        expect(restart(parted, several)).toEqual(restart(whole, several))
        expect(restart(whole, several)).toEqual(whole)
      }),
      { numRuns: 200 },
    )
  })

  test.each(["", "{}", '{"postern":"alerts@v2"}', "null", '{"postern":"alerts@v1","position":-1}'])(
    "that is damaged is refused: %s",
    (text) => {
      expect(() => parseAlertsFile(text)).toThrow(
        expect.objectContaining({ code: "ALERTS_INVALID" }),
      )
    },
  )
})
