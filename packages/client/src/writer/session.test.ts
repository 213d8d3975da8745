import type { ErrorCode } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  type Effect,
  initialState,
  type Phase,
  type SessionInput,
  type SessionState,
  sessionMs,
  step,
} from "./session.ts"

const now = 1_000_000
const moment = { nowMs: now, random: 0.5 }
const phases: readonly Phase[] = [
  "apart",
  "dialling",
  "greeting",
  "opening",
  "open",
  "closing",
  "ended",
]

/** A state as it can be in that phase, its timer just due. */
function stateIn(phase: Phase, more: Partial<SessionState> = {}): SessionState {
  const dueMs = phase === "ended" ? Number.POSITIVE_INFINITY : now
  return {
    ...initialState(100, now - 100_000),
    ...{ phase, dueMs, cursor: 100, credit: 1000 },
    ...more,
  }
}

const inputs = {
  tick: { type: "tick" },
  connected: { type: "connected" },
  lost: { type: "lost", code: "UNREACHABLE", detail: "gone" },
  heard: { type: "heard" },
  welcome: { type: "welcome", credit: 65_536 },
  resume: { type: "opened", verdict: { kind: "resume", position: 120, from: 110 } },
  expired: { type: "opened", verdict: { kind: "expired" } },
  behind: { type: "opened", verdict: { kind: "behind" } },
  diverged: { type: "opened", verdict: { kind: "diverged", settled: 105 } },
  switched: { type: "switched", start: 130 },
  offer: { type: "offer", end: 110, creditBytes: 50 },
  credit: { type: "credit", credit: 5000 },
  acked: { type: "acked", end: 110 },
  goaway: { type: "goaway", code: "OVERLOADED", detail: "busy" },
  drain: { type: "goaway", code: "SHUTTING_DOWN", detail: "drains" },
  dispute: { type: "goaway", code: "STREAM_HOLE", detail: "hole" },
  foreign: { type: "goaway", code: "STREAM_FOREIGN", detail: "not yours" },
  closed: { type: "closed" },
  finish: { type: "finish" },
  end: { type: "end" },
} as const satisfies Record<string, SessionInput>

type Name = keyof typeof inputs

/** What happens: the phase after, and the effects. A cell that is not named keeps the phase and has no effect. */
type Row = Partial<Record<Name, string>>

const gone = "apart: hangUp tell"
const table: Record<Phase, Row> = {
  apart: { tick: "dialling: dial", finish: "ended: hangUp done", end: "ended: hangUp done" },
  dialling: {
    ...{ tick: gone, connected: "greeting: greet", lost: gone, goaway: gone, dispute: gone },
    ...{ drain: "apart: hangUp", foreign: "apart: hangUp tell switch" },
    ...{ finish: "ended: hangUp done", end: "ended: hangUp done" },
  },
  greeting: {
    ...{ tick: gone, welcome: "opening:", lost: gone, goaway: gone, dispute: gone },
    ...{ drain: "apart: hangUp", foreign: "apart: hangUp tell switch" },
    ...{ finish: "ended: hangUp done", end: "ended: hangUp done" },
  },
  opening: {
    ...{ tick: gone, lost: gone, goaway: gone, dispute: gone },
    ...{ drain: "apart: hangUp", foreign: "apart: hangUp tell switch" },
    ...{ resume: "open: settle ready", expired: "opening: switch" },
    ...{ behind: "opening: tell switch", diverged: "opening: tell settle switch" },
    switched: "opening: open",
    ...{ finish: "ended: hangUp done", end: "ended: hangUp done" },
  },
  open: {
    ...{ tick: "open: ping", lost: gone, goaway: gone, dispute: gone },
    ...{ drain: "apart: hangUp", foreign: "apart: hangUp tell switch" },
    ...{ offer: "open: send", acked: "open: settle" },
    ...{ finish: "closing: close", end: "ended: hangUp done" },
  },
  closing: {
    ...{ tick: "ended: hangUp done", closed: "ended: hangUp done", lost: "ended: hangUp done" },
    ...{ goaway: "ended: hangUp done", drain: "ended: hangUp done" },
    ...{ dispute: "ended: hangUp done", foreign: "ended: hangUp done" },
    ...{ finish: "ended: hangUp done", end: "ended: hangUp done" },
  },
  ended: {},
}

const show = (phase: Phase, effects: readonly Effect[]): string =>
  `${phase}: ${effects.map(({ type }) => type).join(" ")}`.trim()

describe("the table of phases and inputs", () => {
  const cells = phases.flatMap((phase) =>
    (Object.keys(inputs) as Name[]).map((name) => ({ phase, name })),
  )
  it.each(cells)("$phase, $name", ({ phase, name }) => {
    const { state, effects } = step(stateIn(phase), inputs[name], moment)
    expect(show(state.phase, effects)).toBe(table[phase][name] ?? `${phase}:`)
  })

  it("has no cell that freezes: every phase but the last has a tick to come", () => {
    for (const { phase, name } of cells) {
      const { state } = step(stateIn(phase), inputs[name], moment)
      expect(Number.isFinite(state.dueMs)).toBe(state.phase !== "ended")
    }
  })
})

describe("a session", () => {
  it("does nothing on a tick that comes too early", () => {
    for (const phase of phases) {
      const state = stateIn(phase, { dueMs: now + 1 })
      expect(step(state, { type: "tick" }, moment)).toEqual({ state, effects: [] })
    }
  })

  it("waits twice as long after each failure, within bounds, and never quite as long as another writer", () => {
    let state = stateIn("dialling")
    for (let failure = 0; failure < 15; failure++) {
      const most = Math.min(sessionMs.backoffMax, sessionMs.backoffMin * 2 ** failure)
      const early = step(state, inputs.lost, { nowMs: now, random: 0 }).state
      const late = step(state, inputs.lost, { nowMs: now, random: 0.999_999 }).state
      expect(early.dueMs - now).toBe(most / 2)
      expect(late.dueMs - now).toBeGreaterThan(most * 0.99)
      expect(late.dueMs - now).toBeLessThan(most)
      state = { ...late, phase: "dialling" }
    }
  })

  it("waits long after a refusal that lasts", () => {
    const refused: SessionInput = { type: "goaway", code: "NOT_GRANTED", detail: "" }
    const { state } = step(stateIn("greeting"), refused, moment)
    expect(state.dueMs - now).toBeGreaterThanOrEqual(sessionMs.backoffMax / 2)
  })

  it("begins again with short pauses once something was acknowledged", () => {
    const { state } = step(stateIn("open", { failures: 9 }), inputs.acked, moment)
    const { state: after } = step(state, inputs.lost, moment)
    expect(after.dueMs - now).toBeLessThanOrEqual(sessionMs.backoffMin)
  })

  it("tells of an outage once, and of another reason again", () => {
    const told: ErrorCode[] = []
    let state = stateIn("open")
    const lose = (code: ErrorCode) => {
      const result = step(
        { ...state, phase: "dialling" },
        { type: "lost", code, detail: "" },
        moment,
      )
      state = result.state
      for (const effect of result.effects) if (effect.type === "tell") told.push(effect.code)
    }
    lose("UNREACHABLE")
    lose("UNREACHABLE")
    lose("TLS_HANDSHAKE")
    lose("UNREACHABLE")
    state = step({ ...state, phase: "opening" }, inputs.resume, moment).state
    lose("UNREACHABLE")
    expect(told).toEqual(["UNREACHABLE", "TLS_HANDSHAKE", "UNREACHABLE", "UNREACHABLE"])
  })

  it("pings a port that is silent, believes it if it answers, and leaves it if not", () => {
    const silent = step(stateIn("open"), inputs.tick, moment)
    expect(silent.effects).toEqual([{ type: "ping" }])
    const later = { nowMs: now + sessionMs.pong, random: 0.5 }
    expect(show("apart", step(silent.state, inputs.tick, later).effects)).toBe(gone)
    const heard = step(silent.state, inputs.heard, { ...moment, nowMs: now + 10 }).state
    const again = step(heard, inputs.tick, later)
    expect(again.effects).toEqual([])
    expect(again.state.dueMs).toBe(now + 10 + sessionMs.silence)
  })

  it("begins a batch while there is any credit, and a gap always", () => {
    const { state } = step(stateIn("open", { credit: 1 }), inputs.offer, moment)
    expect(state.sentBytes).toBe(50)
    expect(step(state, inputs.offer, moment).effects).toEqual([])
    const gap: SessionInput = { type: "offer", end: 120, creditBytes: 0 }
    expect(step(state, gap, moment).effects).toEqual([{ type: "send" }])
    const more = step(state, inputs.credit, moment).state
    expect(step(more, inputs.offer, moment).effects).toEqual([{ type: "send" }])
  })

  it("compares once more what the port disputes, settles what both have, and leaves the stream", () => {
    const { state } = step(stateIn("open"), inputs.dispute, moment)
    expect(state.distrust).toBe("STREAM_HOLE")
    const opened = step({ ...state, phase: "opening" }, inputs.resume, moment)
    expect(opened.effects).toEqual([{ type: "settle", position: 120 }, { type: "switch" }])
    const switched = step(opened.state, inputs.switched, moment)
    expect(switched.effects).toEqual([{ type: "open", channel: 1 }])
    expect(switched.state).toMatchObject({ distrust: undefined, cursor: 130 })
  })

  it("does not follow a port that says of every new stream that it is another one", () => {
    let state = stateIn("opening")
    let opened = 0
    while (state.phase === "opening" && opened < 100) {
      opened += 1
      state = step(state, inputs.diverged, moment).state
      state = step(state, inputs.switched, moment).state
    }
    expect(state.phase).toBe("apart")
    expect(opened).toBeLessThanOrEqual(3)
  })

  it("counts credit from nothing on each connection", () => {
    const used = stateIn("apart", { credit: 9999, sentBytes: 9999, channel: 2 })
    expect(step(used, inputs.tick, moment).state).toMatchObject({
      ...{ credit: 0, sentBytes: 0, channel: 0 },
    })
  })

  it("sends within its credit, opens only when the port has, and ends for good, whatever comes", () => {
    const anyInput = fc.constantFrom(...Object.values(inputs))
    fc.assert(
      fc.property(fc.array(fc.tuple(anyInput, fc.nat(40_000))), (steps) => {
        let state = initialState(100, now)
        let nowMs = now
        for (const [input, passedMs] of steps) {
          nowMs += passedMs
          const before = state
          const result = step(state, input as SessionInput, { nowMs, random: 0.5 })
          state = result.state
          const isSent = result.effects.some(({ type }) => type === "send")
          if (isSent) expect(before.sentBytes).toBeLessThan(before.credit)
          if (before.phase === "ended") expect(result).toEqual({ state: before, effects: [] })
          if (before.phase !== "open" && state.phase === "open") expect(input.type).toBe("opened")
        }
      }),
    )
  })
})
