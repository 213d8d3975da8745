import { describe, expect, test } from "vitest"
import {
  type AlertRules,
  type AlertsState,
  type Effect,
  newAlertsState,
  type Observed,
  others,
  retire,
  step,
} from "./index.ts"
import { entry, mondayMs, rulesOf, selfEntry } from "./observed.test.support.ts"

const minute = 60_000

/** A log that is watched. */
function watch(rules: AlertRules, state: AlertsState = newAlertsState(0)) {
  const effects: Effect[] = []
  const told = () =>
    effects
      .filter((one) => one.kind === "entry")
      .map(({ action, data }): Record<string, unknown> => ({ action, ...data }))
  return {
    state,
    effects,
    see: (...entries: Observed[]) => {
      for (const one of entries)
        effects.push(...step(state, rules, { kind: "entry", entry: one }, one.receivedMs))
    },
    tick: (nowMs: number) =>
      effects.push(...step(state, rules, { kind: "tick", upToDate: true }, nowMs)),
    /** Actions with whom they are of. */
    said: () =>
      told().map((one) =>
        `${String(one.action).replace("postern.alert.", "")} ${one.of ?? ""}`.trim(),
      ),
    told,
    notices: () => effects.flatMap((one) => (one.kind === "notice" ? [one.notice] : [])),
  }
}

describe("an alert of one's own", () => {
  const rules = rulesOf(
    'name: denied, query: "outcome:denied", count: 3, within: 1m, severity: high, to: [pager]',
  )
  const denied = (index: number, timeMs: number) =>
    entry({ index, timeMs, event: { outcome: "denied" } })

  test("is raised at so many within its time, once, and says of which entries", () => {
    const it = watch(rules)
    it.see(
      denied(10, mondayMs),
      entry({ index: 11, timeMs: mondayMs }),
      denied(12, mondayMs + 20_000),
    )
    expect(it.told()).toEqual([])
    it.see(denied(13, mondayMs + 50_000), denied(14, mondayMs + 51_000))
    expect(it.told()).toEqual([
      {
        ...{ action: "postern.alert.raised", alert: "denied", severity: "high", count: 3 },
        ...{ withinSeconds: 60, first: 10, last: 13, digest: rules.digest },
        since: new Date(mondayMs + 50_000).toISOString(),
      },
    ])
    expect(it.state.position).toBe(15)
  })

  test("is not raised if they come too slowly", () => {
    const it = watch(rules)
    for (let at = 0; at < 50; at++) it.see(denied(at, mondayMs + at * 35_000))
    expect(it.told()).toEqual([])
  })

  test("is cleared when it was below for its time, also if nothing else happens, and can be raised again", () => {
    const it = watch(rules)
    const burst = (index: number, timeMs: number) =>
      [0, 1, 2].map((at) => denied(index + at, timeMs))
    it.see(...burst(0, mondayMs))
    it.tick(mondayMs + minute)
    it.tick(mondayMs + 2 * minute)
    expect(it.said()).toEqual(["raised"])
    it.tick(mondayMs + 3 * minute + 5_000)
    expect(it.said()).toEqual(["raised", "cleared"])
    it.see(...burst(3, mondayMs + 4 * minute))
    expect(it.said()).toEqual(["raised", "cleared", "raised"])
  })

  test("time that passes while entries are still to be read clears nothing", () => {
    const it = watch(rules)
    it.see(denied(0, mondayMs), denied(1, mondayMs), denied(2, mondayMs))
    for (let at = 0; at < 20; at++) {
      it.effects.push(
        ...step(it.state, rules, { kind: "tick", upToDate: false }, mondayMs + at * minute),
      )
    }
    expect(it.said()).toEqual(["raised"])
  })

  test("goes on after the clock was set back", () => {
    const it = watch(rules)
    it.see(denied(0, mondayMs + 86_400_000), denied(1, mondayMs + 86_400_000))
    it.see(denied(2, mondayMs), denied(3, mondayMs), denied(4, mondayMs))
    expect(it.told()).toMatchObject([{ first: 2, last: 4 }])
  })

  test("is of each writer or actor apart, and of the others together", () => {
    const rules = rulesOf('name: x, query: "outcome:denied", by: actor, count: 2, severity: low')
    const it = watch(rules)
    for (let at = 0; at < 100; at++) {
      const event = { outcome: "denied", actor: { type: "user", id: `u${Math.floor(at / 2)}` } }
      it.see(entry({ index: at, timeMs: mondayMs + at, event }))
    }
    const raised = it.told()
    expect(raised).toHaveLength(21)
    expect(raised[3]).toMatchObject({ of: "u3", first: 6, last: 7, count: 2 })
    expect(raised[20]).toMatchObject({ of: others })
    it.see(
      entry({ index: 200, timeMs: mondayMs + 200, event: { outcome: "denied", actor: "none" } }),
    )
    expect(it.told()).toHaveLength(21)
  })

  test("remembers a bounded number of names, those that were heard last", () => {
    const rules = rulesOf(
      'name: x, query: "*:*", by: actor, count: 2, severity: low'.replace("*:*", "id:*"),
    )
    const it = watch(rules)
    const of = (index: number, id: string) =>
      entry({ index, timeMs: mondayMs, event: { actor: { type: "user", id } } })
    it.see(of(0, "first"))
    for (let at = 1; at < 9_000; at++) it.see(of(at, `u${at}`))
    expect(it.state.alerts.get("x")?.keys.size).toBe(8_192)
    it.see(of(9_000, "first"), of(9_001, "u8999"))
    expect(it.said()).toEqual(["raised u8999"])
  })

  test("leaves out what alerts wrote, unless it asks for it", () => {
    const query = 'query: "action:postern.alert.raised", severity: low'
    const own = { index: 0, timeMs: mondayMs, own: true, event: { action: "postern.alert.raised" } }
    const it = watch(rulesOf(`name: without, ${query}`, `name: with, ${query}, ownEntries: true`))
    it.see(entry(own))
    expect(it.told()).toMatchObject([{ alert: "with" }])
  })

  test("that is changed or gone is cleared, and begins anew", () => {
    const it = watch(rules)
    it.see(denied(0, mondayMs), denied(1, mondayMs), denied(2, mondayMs))
    expect(retire(it.state, rules)).toEqual([])
    const others = rulesOf(
      'name: denied, query: "outcome:denied", count: 2, within: 1m, severity: high',
    )
    expect(retire(it.state, others)).toMatchObject([
      {
        action: "postern.alert.cleared",
        data: { alert: "denied", reason: "changed", first: 0, last: 2 },
      },
    ])
    expect(it.state.alerts.get("denied")?.keys.size).toBe(0)
    expect(retire(it.state, rulesOf())).toEqual([])
    expect(it.state.alerts.size).toBe(0)
  })
})

describe("the ready-made alerts", () => {
  const opened = (index: number, timeMs: number, writer: string, from: string) =>
    selfEntry(index, timeMs, "postern.stream.opened", { data: { writer, from, stream: "s" } })

  test("a silent writer is raised until it is heard, however long that takes", () => {
    const it = watch(rulesOf("name: s, watch: silent-writer"))
    const of = (index: number, what: string, writer: string, timeMs: number) =>
      selfEntry(index, timeMs, `postern.writer.${what}`, { data: { writer } })
    it.see(of(0, "silent", "w1", mondayMs), of(1, "silent", "w2", mondayMs))
    it.tick(mondayMs + 1_000 * minute)
    it.see(
      of(2, "heard", "w2", mondayMs + 1_001 * minute),
      of(3, "heard", "w3", mondayMs + 1_001 * minute),
    )
    expect(it.said()).toEqual(["raised w1", "raised w2", "cleared w2"])
  })

  test("a new writer, and a new address of a known one, not its port", () => {
    const it = watch(rulesOf("name: n, watch: new-writer", "name: a, watch: new-address"))
    it.state.known.set("w0", ["10.0.0.1"])
    it.state.known.set("house", [])
    it.see(
      opened(0, mondayMs, "w0", "10.0.0.1:999"),
      opened(1, mondayMs, "w1", "10.0.0.1:5"),
      opened(2, mondayMs, "w0", "10.0.0.2:7"),
      opened(3, mondayMs, "w1", "10.0.0.1:6"),
      opened(4, mondayMs, "house", "10.0.0.9:6"),
    )
    expect(it.told()).toMatchObject([
      { alert: "n", of: "w1", first: 1 },
      { alert: "a", of: "w0", first: 2 },
    ])
  })

  test("an IPv6 network is one address", () => {
    const it = watch(rulesOf("name: a, watch: new-address"))
    it.see(
      opened(0, mondayMs, "w", "[2001:db8::1]:999"),
      opened(1, mondayMs, "w", "[2001:db8:0:0:9::7]:1"),
    )
    expect(it.told()).toEqual([])
    it.see(opened(2, mondayMs, "w", "[2001:db8:0:1::1]:999"))
    expect(it.told()).toHaveLength(1)
  })

  /** So many entries in each of these minutes. */
  function minutes(it: ReturnType<typeof watch>, counts: readonly number[], from = 0): void {
    for (const [at, count] of counts.entries()) {
      const timeMs = mondayMs + (from + at) * minute
      for (let one = 0; one < count; one++) it.see(entry({ index: one, timeMs, writer: "w" }))
    }
  }

  test("a burst is far above what is usual, and above the floor", () => {
    const it = watch(rulesOf("name: b, watch: burst, count: 50"))
    minutes(
      it,
      Array.from({ length: 30 }, (_, at) => 20 + (at % 5)),
    )
    minutes(it, [49], 30)
    expect(it.told()).toEqual([])
    minutes(it, [100], 31)
    expect(it.said()).toEqual(["raised w"])
    it.tick(mondayMs + 33 * minute)
    expect(it.said()).toEqual(["raised w"])
    it.tick(mondayMs + 45 * minute)
    expect(it.said()).toEqual(["raised w", "cleared w"])
  })

  test("a busy writer's usual hour is no burst, and a tenfold minute is", () => {
    const it = watch(rulesOf("name: b, watch: burst, count: 50"))
    minutes(
      it,
      Array.from({ length: 40 }, (_, at) => 300 + ((at * 37) % 60)),
    )
    expect(it.told()).toEqual([])
    minutes(it, [3_000], 40)
    expect(it.said()).toEqual(["raised w"])
  })

  test("of a writer that was never seen nothing is usual yet", () => {
    const it = watch(rulesOf("name: b, watch: burst, count: 50"))
    minutes(it, [0, 5_000])
    expect(it.told()).toEqual([])
  })

  test("refusals are counted by what their entries say", () => {
    const it = watch(rulesOf("name: r, watch: refusals"))
    const refused = (at: number, count: number) =>
      selfEntry(at, mondayMs + at * minute, "postern.refused", {
        outcome: "denied",
        data: { count },
      })
    for (let at = 0; at < 20; at++) it.see(refused(at, 2))
    expect(it.told()).toEqual([])
    it.see(refused(20, 500))
    expect(it.told()).toMatchObject([{ alert: "r", last: 20 }])
  })

  test.each([
    ["detected", "detected", "dropped"],
    ["not-kept", "dropped", "detected"],
    ["not-kept", "sampled", "hmac"],
  ])("%s counts for the writer what tallies say of %s, and not of %s", (watched, did, other) => {
    const it = watch(rulesOf(`name: x, watch: ${watched}`))
    const tally = (at: number, writer: string, what: string, count: number) =>
      selfEntry(at, mondayMs + at * minute, "postern.policy.tally", {
        data: { writer, did: what, count },
      })
    for (let at = 0; at < 20; at++) it.see(tally(at, "w", did, 3))
    it.see(tally(20, "w", other, 50_000))
    expect(it.told()).toEqual([])
    it.see(tally(21, "w", did, 5_000))
    expect(it.told()).toMatchObject([{ alert: "x", last: 21 }])
    expect(it.said()).toEqual(["raised w"])
  })

  test("reads are out of hours by the clocks of the zone, summer time and weekends included", () => {
    const hours = 'hours: { zone: Europe/Berlin, from: "08:00", to: "18:00" }'
    const rules = rulesOf(`name: r, watch: reads-out-of-hours, ${hours}`)
    const isOut = (timeMs: number) => {
      const it = watch(rules)
      const event = { action: "postern.read", actor: { type: "reader", id: "r" } }
      it.see(entry({ index: 0, timeMs, writer: "reader", event }))
      return it.told().length === 1
    }
    expect(isOut(Date.UTC(2026, 10, 23, 6, 59))).toBe(true)
    expect(isOut(Date.UTC(2026, 10, 23, 7))).toBe(false)
    expect(isOut(Date.UTC(2026, 10, 23, 16, 59))).toBe(false)
    expect(isOut(Date.UTC(2026, 10, 23, 17))).toBe(true)
    expect(isOut(Date.UTC(2026, 6, 20, 6))).toBe(false)
    expect(isOut(Date.UTC(2026, 10, 22, 10))).toBe(true)
  })

  test.each([
    ["gap", "postern.stream.gap", {}],
    ["gap", "postern.own.lost", {}],
    ["clock", "postern.clock.stepped", {}],
    ["clock", "postern.clock.checked", { outcome: "failure" }],
    ["doctor", "postern.doctor.examined", { outcome: "failure" }],
    ["access", "postern.access.loaded", { data: { previous: "00" } }],
    ["access", "postern.access.refused", {}],
    ["access", "postern.key.rolled", {}],
    ["policy", "postern.policy.loaded", { data: { weakens: true } }],
    ["policy-refused", "postern.policy.refused", { outcome: "failure" }],
    ["break-glass", "postern.breakglass.opened", {}],
    ["evidence", "postern.evidence", {}],
    ["evidence", "postern.read", { data: { what: "slots" } }],
  ])("%s is raised by %s", (watched, action, more) => {
    const it = watch(rulesOf(`name: x, watch: ${watched}`))
    it.see(selfEntry(7, mondayMs, action, more))
    expect(it.told()).toMatchObject([{ action: "postern.alert.raised", first: 7, last: 7 }])
  })

  test.each([
    ["clock", "postern.clock.checked", { outcome: "success" }],
    ["doctor", "postern.doctor.examined", { outcome: "unknown" }],
    ["access", "postern.access.loaded", { data: { by: "start" } }],
    ["evidence", "postern.read", { data: { what: "search" } }],
    ["policy", "postern.policy.loaded", { data: { weakens: false } }],
    ["policy", "postern.policy.loaded", { data: { by: "start" } }],
    ["new-writer", "postern.stream.closed", { data: { writer: "w", from: "10.0.0.1:1" } }],
  ])("%s is not raised by another %s", (watched, action, more) => {
    const it = watch(rulesOf(`name: x, watch: ${watched}`))
    it.see(selfEntry(7, mondayMs, action, more))
    expect(it.told()).toEqual([])
  })

  test("an application's event that names them raises none of them", () => {
    const it = watch(rulesOf("name: g, watch: gap", "name: n, watch: new-writer"))
    const data = {
      action: "postern.stream.gap",
      writer: "w",
      from: "10.0.0.1:1",
      deep: "postern.stream.opened",
    }
    it.see(
      entry({ index: 0, timeMs: mondayMs, writer: "w", event: { action: "app.postern", data } }),
    )
    expect(it.told()).toEqual([])
    expect(it.state.known.size).toBe(0)
  })
})
