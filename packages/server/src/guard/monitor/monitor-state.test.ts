import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { alarmNames, alarmSeverity } from "./alarm.ts"
import { firstState, gravest, type MonitorState, type Observation, step } from "./monitor-state.ts"

const limits = { silentMs: 30_000, staleMs: 60_000, idleMs: 3_600_000 }
const opened: Observation = { what: "opened" }
const silent: Observation = { what: "silent", detail: "no answer" }
const derived: Observation = { what: "derived", saw: "entries" }
const byHashes: Observation = { what: "derived", saw: "hashes" }
const seen = (size: number, head = size, quorum?: boolean): Observation => {
  return { what: "seen", size, head, quorum }
}
const wrong = (
  alarm: "contradiction" | "bad-signature" | "bad-proof" | "rolled-back" | "bad-tree",
) => {
  return { what: "wrong", alarm, detail: "x", evidence: "/kept" } as const
}

/** Seconds and what was observed then; gives each change as `second alarm state`. */
function run(story: readonly (readonly [number, Observation])[], from = firstState): string[] {
  const said: string[] = []
  let state: MonitorState = from
  for (const [second, observation] of story) {
    const next = step(state, observation, second * 1000, limits)
    state = next.state
    for (const change of next.changes) said.push(`${second} ${change.alarm} ${change.state}`)
  }
  return said
}

describe("what observations come to", () => {
  test.each<[string, [number, Observation][], string[]]>([
    [
      "a log that grows",
      [
        [0, opened],
        [5, seen(1)],
        [10, seen(9, 12)],
        [15, seen(20, 22)],
      ],
      [],
    ],
    [
      "a log that rests",
      [
        [0, opened],
        [5, seen(7)],
        [900, seen(7)],
        [3000, seen(7)],
      ],
      [],
    ],
    [
      "silence that is short",
      [
        [0, opened],
        [5, seen(1)],
        [10, silent],
        [34, silent],
        [35, seen(1)],
      ],
      [],
    ],
    [
      "silence, counted from the last answer, said once, and taken back",
      [
        [0, opened],
        [5, seen(1)],
        [20, silent],
        [35, silent],
        [40, silent],
        [90, seen(1)],
      ],
      ["35 unreachable raised", "90 unreachable recovered"],
    ],
    [
      "silence from the start",
      [
        [0, opened],
        [10, silent],
        [30, silent],
      ],
      ["30 unreachable raised"],
    ],
    [
      "an answer that is wrong is an answer",
      [
        [0, opened],
        [40, silent],
        [45, wrong("bad-signature")],
        [50, seen(1)],
      ],
      [
        "40 unreachable raised",
        "45 unreachable recovered",
        "45 bad-signature raised",
        "50 bad-signature recovered",
      ],
    ],
    [
      "entries that no checkpoint covers",
      [
        [0, opened],
        [5, seen(5)],
        [10, seen(5, 6)],
        [69, seen(5, 9)],
        [70, seen(5, 9)],
        [80, seen(9)],
      ],
      ["70 stale raised", "80 stale recovered"],
    ],
    [
      "checkpoints that move, and never catch up",
      [
        [0, opened],
        [5, seen(5, 9)],
        [60, seen(9, 12)],
        [119, seen(9, 15)],
        [130, seen(15, 20)],
      ],
      [],
    ],
    [
      "a port that signs no more, while entries come",
      [
        [0, opened],
        [5, seen(5, 9)],
        [65, seen(5, 100)],
        [300, seen(5, 200)],
      ],
      ["65 stale raised"],
    ],
    [
      "a log that is expected to grow",
      [
        [0, opened],
        [5, seen(5)],
        [3604, seen(5)],
        [3605, seen(5)],
        [3700, seen(6)],
      ],
      ["3605 idle raised", "3700 idle recovered"],
    ],
    [
      "cosignatures that come late",
      [
        [0, opened],
        [5, seen(5, 5, false)],
        [10, seen(6, 6, true)],
        [50, seen(9, 9, false)],
        [80, seen(11, 11, true)],
      ],
      [],
    ],
    [
      "a quorum that is lost",
      [
        [0, opened],
        [5, seen(5, 5, true)],
        [10, seen(6, 6, false)],
        [69, seen(9, 9, false)],
        [70, seen(9, 9, false)],
        [75, seen(9, 9, true)],
      ],
      ["70 unwitnessed raised", "75 unwitnessed recovered"],
    ],
    [
      "a tree that was wrong, then right",
      [
        [0, opened],
        [5, seen(5)],
        [6, wrong("bad-tree")],
        [10, seen(6)],
        [11, wrong("bad-tree")],
        [15, derived],
      ],
      ["6 bad-tree raised", "15 bad-tree recovered"],
    ],
    [
      "entries that were never shown, were shown, are hidden",
      [
        [0, opened],
        [5, byHashes],
        [10, derived],
        [15, byHashes],
        [20, byHashes],
        [25, derived],
      ],
      ["15 hidden raised", "25 hidden recovered"],
    ],
    [
      "a proof that was wrong, then right",
      [
        [0, opened],
        [5, wrong("bad-proof")],
        [6, derived],
        [10, wrong("bad-proof")],
        [15, seen(9)],
      ],
      ["5 bad-proof raised", "15 bad-proof recovered"],
    ],
    [
      "a contradiction is never taken back",
      [
        [0, opened],
        [5, wrong("contradiction")],
        [10, seen(9)],
        [15, derived],
        [20, opened],
        [25, wrong("contradiction")],
      ],
      ["5 contradiction raised"],
    ],
    [
      "a memory that was lost, and one that is there again",
      [
        [0, { what: "opened", forgotten: "gone" }],
        [5, seen(9)],
        [10, derived],
        [99, opened],
      ],
      ["0 forgotten raised", "99 forgotten recovered"],
    ],
    [
      "a clock that goes back",
      [
        [1000, opened],
        [1005, seen(5, 6)],
        [10, seen(5, 6)],
        [20, silent],
        [30, seen(5, 6)],
      ],
      [],
    ],
  ])("%s", (_name, story, expected) => {
    expect(run(story)).toEqual(expected)
  })

  test("an alarm says since when, and where what was shown is kept", () => {
    const quiet = step(firstState, opened, 1_000, limits).state
    expect(step(quiet, silent, 40_000, limits).changes).toMatchObject([
      { alarm: "unreachable", since: 1_000, at: 40_000, detail: "no answer" },
    ])
    expect(step(quiet, wrong("contradiction"), 40_000, limits).changes).toMatchObject([
      { alarm: "contradiction", since: 40_000, evidence: "/kept" },
    ])
  })

  test("alarms only change: on, off, on, and never twice the same", () => {
    const observation = fc.oneof(
      fc.constantFrom<Observation>(opened, silent, derived, { what: "opened", forgotten: "x" }),
      fc.constantFrom(...(["contradiction", "bad-tree", "bad-proof"] as const)).map(wrong),
      fc.tuple(fc.nat(9), fc.nat(9), fc.boolean()).map(([a, b, met]) => seen(a, a + b, met)),
    )
    const story = fc.array(fc.tuple(fc.nat(90_000), observation), { maxLength: 40 })
    fc.assert(
      fc.property(story, (steps) => {
        const on = new Set<string>()
        let [state, now] = [firstState, 0]
        for (const [more, one] of steps) {
          now += more
          const next = step(state, one, now, limits)
          state = next.state
          for (const { alarm, state: word, since, at } of next.changes) {
            expect(on.has(alarm)).toBe(word === "recovered")
            expect(since).toBeLessThanOrEqual(at)
            if (word === "raised") on.add(alarm)
            else on.delete(alarm)
          }
          expect(state.raised.map(({ alarm }) => alarm).sort()).toEqual([...on].sort())
        }
      }),
      { numRuns: 200 },
    )
  })

  test("the gravest alarm is the contradiction, then whatever else is critical", () => {
    const on = (...names: (typeof alarmNames)[number][]): MonitorState => {
      return { ...firstState, raised: names.map((alarm) => ({ alarm, since: 0, detail: "" })) }
    }
    expect(gravest(on())).toBeUndefined()
    expect(gravest(on("stale", "bad-tree", "contradiction"))?.alarm).toBe("contradiction")
    for (const alarm of alarmNames) {
      const critical = alarmSeverity[alarm] === "critical"
      expect(gravest(on("stale", alarm))?.alarm).toBe(critical ? alarm : "stale")
    }
  })
})
