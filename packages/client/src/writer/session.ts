/**
 * What the writer does about its connection, as a machine without a socket, a clock or chance of its own:
 *
 *     apart ──tick──▶ dialling ──connected──▶ greeting ──welcome──▶ opening ──opened──▶ open ──finish──▶ closing ──▶ ended
 *       ▲                │                       │                     │ ▲ │              │
 *       └────────────────┴────── lost, late ─────┴─────────────────────┘ └─┘ new stream ──┘ (lost, late, goaway)
 *
 * Positions count events since the spool began. `step` is total: an input that means nothing in a phase changes nothing.
 */
import { assertNever, type ErrorCode } from "@postern/log/base"
import type { Verdict } from "./stream-chain.ts"

export type Phase = "apart" | "dialling" | "greeting" | "opening" | "open" | "closing" | "ended"

export interface SessionState {
  readonly phase: Phase
  /** When a `tick` is due, milliseconds; Infinity: never. */
  readonly dueMs: number
  /** Connections in a row that ended before anything was acknowledged. */
  readonly failures: number
  /** What was told about the present outage: the same is not told again at each attempt. */
  readonly told: ErrorCode | undefined
  /** When the port was last heard, and when it was asked to say something. */
  readonly heardMs: number
  readonly pingedMs: number | undefined
  /** As in CREDIT: bytes of batches that may have been sent before another one is begun. */
  readonly credit: number
  readonly sentBytes: number
  /** Position of the next frame to send. */
  readonly cursor: number
  /** Names the stream on this connection; a new stream gets a new one. */
  readonly channel: number
  /** The port refused what it was sent of the stream: it is compared once more, and left. */
  readonly distrust: ErrorCode | undefined
}

export type SessionInput =
  | { readonly type: "tick" }
  | { readonly type: "connected" }
  /** The connection ended, or cannot go on. */
  | { readonly type: "lost"; readonly code: ErrorCode; readonly detail: string }
  /** Any bytes of the port. */
  | { readonly type: "heard" }
  | { readonly type: "welcome"; readonly credit: number }
  | { readonly type: "opened"; readonly verdict: OpenedVerdict }
  /** The spool has left its stream for a new one, which begins at this position. */
  | { readonly type: "switched"; readonly start: number }
  /** There is a frame at `cursor`. `creditBytes`: what it costs; 0 for a gap. */
  | { readonly type: "offer"; readonly end: number; readonly creditBytes: number }
  | { readonly type: "credit"; readonly credit: number }
  | { readonly type: "acked"; readonly end: number }
  | { readonly type: "goaway"; readonly code: ErrorCode; readonly detail: string }
  | { readonly type: "closed" }
  /** Everything is acknowledged, and nothing more will come. */
  | { readonly type: "finish" }
  | { readonly type: "end" }

/** As judged; `from` is where sending goes on: below `position` if receipts are to be asked for again. */
export type OpenedVerdict =
  | { readonly kind: "resume"; readonly position: number; readonly from: number }
  /** The port has forgotten a stream that was silent for long. */
  | { readonly kind: "expired" }
  | Exclude<Verdict, { readonly kind: "resume" }>

export type Effect =
  | { readonly type: "dial" }
  /** HELLO, and OPEN for the channel. */
  | { readonly type: "greet"; readonly channel: number }
  | { readonly type: "open"; readonly channel: number }
  /** The frame that was offered. */
  | { readonly type: "send" }
  | { readonly type: "settle"; readonly position: number }
  | { readonly type: "switch" }
  | { readonly type: "ping" }
  | { readonly type: "close"; readonly channel: number }
  | { readonly type: "hangUp" }
  | { readonly type: "tell"; readonly code: ErrorCode; readonly detail: string }
  | { readonly type: "ready" }
  | { readonly type: "done" }

export interface Step {
  readonly state: SessionState
  readonly effects: readonly Effect[]
}

/** What a step takes from the world. */
export interface Moment {
  readonly nowMs: number
  /** In [0, 1). */
  readonly random: number
}

export const sessionMs = {
  /** TLS, WELCOME and OPENED: each has so long. */
  answer: 10_000,
  /** After so long without a word the port is pinged. */
  silence: 60_000,
  /** And then has so long to answer. */
  pong: 30_000,
  closing: 2_000,
  backoffMin: 100,
  backoffMax: 30_000,
} as const

/** Codes after which the next attempt will hardly go better. */
const lasting: readonly ErrorCode[] = [
  "NOT_GRANTED",
  "ADAPTER_NOT_GRANTED",
  "CERTIFICATE_REFUSED",
  "ALPN_REFUSED",
  "TLS_HANDSHAKE",
  "PROFILE_INVALID",
  "NOTE_INVALID",
  "STREAM_LIMIT",
]
/** A port may end a connection for these without anything being wrong. */
const ordinary: readonly ErrorCode[] = ["SHUTTING_DOWN", "IDLE_TIMEOUT"]
/** The port's word against the spool's. */
const disputed: readonly ErrorCode[] = ["STREAM_HOLE", "STREAM_EQUIVOCATION"]
/** New streams on one connection: one for each reason there can be. */
const channelsMax = 2

/** Not connected; the first `tick` dials. */
export function initialState(acked: number, nowMs: number): SessionState {
  return {
    phase: "apart",
    dueMs: nowMs,
    failures: 0,
    told: undefined,
    heardMs: nowMs,
    pingedMs: undefined,
    credit: 0,
    sentBytes: 0,
    cursor: acked,
    channel: 0,
    distrust: undefined,
  }
}

export function step(state: SessionState, input: SessionInput, moment: Moment): Step {
  const { phase } = state
  switch (input.type) {
    case "tick":
      return moment.nowMs < state.dueMs ? stay(state) : tick(state, moment)
    case "connected":
      if (phase !== "dialling") return stay(state)
      return enter(state, "greeting", moment, [{ type: "greet", channel: state.channel }])
    case "lost":
      return isConnected(phase) ? fail(state, input, moment) : stay(state)
    case "heard":
      return stay(isConnected(phase) ? { ...state, heardMs: moment.nowMs } : state)
    case "welcome":
      if (phase !== "greeting") return stay(state)
      return enter({ ...state, credit: input.credit }, "opening", moment, [])
    case "opened":
      return phase === "opening" ? opened(state, input.verdict, moment) : stay(state)
    case "switched":
      return phase === "ended" ? stay(state) : switched(state, input.start, moment)
    case "offer":
      return offer(state, input)
    case "credit":
      return stay(isConnected(phase) ? raiseCredit(state, input.credit) : state)
    case "acked":
      if (phase !== "open") return stay(state)
      return {
        state: { ...state, failures: 0 },
        effects: [{ type: "settle", position: input.end }],
      }
    case "goaway":
      return isConnected(phase) ? goaway(state, input, moment) : stay(state)
    case "closed":
      return phase === "closing" ? end(state) : stay(state)
    case "finish":
      return finish(state, moment)
    case "end":
      return phase === "ended" ? stay(state) : end(state)
    default:
      return assertNever(input)
  }
}

function stay(state: SessionState): Step {
  return { state, effects: [] }
}

function isConnected(phase: Phase): boolean {
  return phase !== "apart" && phase !== "ended"
}

/** The next phase of a connection, in which the port is expected to answer. */
function enter(
  state: SessionState,
  phase: Phase,
  { nowMs }: Moment,
  effects: readonly Effect[],
): Step {
  return { state: { ...state, phase, dueMs: nowMs + sessionMs.answer }, effects }
}

function tick(state: SessionState, moment: Moment): Step {
  const { phase } = state
  switch (phase) {
    case "apart": {
      const fresh = { credit: 0, sentBytes: 0, channel: 0, pingedMs: undefined }
      const heard = { heardMs: moment.nowMs }
      return enter({ ...state, ...fresh, ...heard }, "dialling", moment, [{ type: "dial" }])
    }
    case "dialling":
    case "greeting":
    case "opening":
      return fail(state, late("it does not answer"), moment)
    case "open":
      return listen(state, moment)
    case "closing":
      return end(state)
    case "ended":
      return stay(state)
    default:
      return assertNever(phase)
  }
}

/** A connection that is open is believed in as long as something is heard. */
function listen(state: SessionState, moment: Moment): Step {
  const { heardMs, pingedMs } = state
  const { nowMs } = moment
  if (heardMs + sessionMs.silence > nowMs) {
    const dueMs = heardMs + sessionMs.silence
    return stay({ ...state, dueMs, pingedMs: undefined, failures: 0 })
  }
  if (pingedMs !== undefined && pingedMs > heardMs) {
    return fail(state, late("it has fallen silent"), moment)
  }
  const pinged = { pingedMs: nowMs, dueMs: nowMs + sessionMs.pong }
  return { state: { ...state, ...pinged }, effects: [{ type: "ping" }] }
}

function late(detail: string): { code: ErrorCode; detail: string } {
  return { code: "UNREACHABLE", detail }
}

/** Hangs up and waits: twice as long each time, and somewhat by chance, so that many writers do not come at once. */
function fail(
  state: SessionState,
  { code, detail }: { readonly code: ErrorCode; readonly detail: string },
  { nowMs, random }: Moment,
): Step {
  if (state.phase === "closing") return end(state)
  const { backoffMin, backoffMax } = sessionMs
  const pauseMs = lasting.includes(code)
    ? backoffMax
    : Math.min(backoffMax, backoffMin * 2 ** Math.min(state.failures, 20))
  const isQuiet = ordinary.includes(code) || state.told === code
  const next: SessionState = {
    ...state,
    phase: "apart",
    dueMs: nowMs + pauseMs / 2 + (pauseMs / 2) * random,
    failures: state.failures + 1,
    told: ordinary.includes(code) ? state.told : code,
  }
  const effects: Effect[] = [{ type: "hangUp" }]
  if (!isQuiet) effects.push({ type: "tell", code, detail })
  return { state: next, effects }
}

function goaway(
  state: SessionState,
  input: { readonly code: ErrorCode; readonly detail: string },
  moment: Moment,
): Step {
  const failed = fail(state, input, moment)
  if (failed.state.phase === "ended") return failed
  if (disputed.includes(input.code)) {
    return { ...failed, state: { ...failed.state, distrust: input.code } }
  }
  // Somebody else's: there is nothing to compare, and nothing of ours in it.
  if (input.code === "STREAM_FOREIGN") {
    return { ...failed, effects: [...failed.effects, { type: "switch" }] }
  }
  return failed
}

function opened(state: SessionState, verdict: OpenedVerdict, moment: Moment): Step {
  switch (verdict.kind) {
    case "resume": {
      const { position, from } = verdict
      if (state.distrust !== undefined) return leaveStream(state, position, [], moment)
      const next: SessionState = {
        ...state,
        phase: "open",
        dueMs: moment.nowMs + sessionMs.silence,
        told: undefined,
        cursor: from,
      }
      return { state: next, effects: [{ type: "settle", position: from }, { type: "ready" }] }
    }
    case "expired":
      return leaveStream(state, undefined, [], moment)
    case "behind": {
      const detail = "the port knows less of this writer's stream than it has acknowledged"
      return leaveStream(
        state,
        undefined,
        [{ type: "tell", code: "LOG_ROLLED_BACK", detail }],
        moment,
      )
    }
    case "diverged": {
      const detail =
        "the port's stream is not the one of this spool; what follows goes into a new one"
      const tell: Effect = { type: "tell", code: "STREAM_EQUIVOCATION", detail }
      return leaveStream(state, verdict.settled, [tell], moment)
    }
    default:
      return assertNever(verdict)
  }
}

/** What the port surely has is settled; the rest goes into a new stream, and the old one stays as it is. */
function leaveStream(
  state: SessionState,
  settled: number | undefined,
  tell: readonly Effect[],
  moment: Moment,
): Step {
  if (state.channel >= channelsMax) {
    return fail(state, { code: "STREAM_EQUIVOCATION", detail: "new streams are not new" }, moment)
  }
  const settle: Effect[] = settled === undefined ? [] : [{ type: "settle", position: settled }]
  const dueMs = moment.nowMs + sessionMs.answer
  return { state: { ...state, dueMs }, effects: [...tell, ...settle, { type: "switch" }] }
}

function switched(state: SessionState, start: number, moment: Moment): Step {
  const fresh: SessionState = { ...state, distrust: undefined, cursor: start }
  if (state.phase !== "opening") return stay(fresh)
  const channel = state.channel + 1
  return enter({ ...fresh, channel }, "opening", moment, [{ type: "open", channel }])
}

/** A batch may be begun while there is any credit; it may then go beyond it. */
function offer(state: SessionState, input: { end: number; creditBytes: number }): Step {
  if (state.phase !== "open") return stay(state)
  if (input.creditBytes > 0 && state.sentBytes >= state.credit) return stay(state)
  const sentBytes = state.sentBytes + input.creditBytes
  return { state: { ...state, sentBytes, cursor: input.end }, effects: [{ type: "send" }] }
}

function raiseCredit(state: SessionState, credit: number): SessionState {
  return { ...state, credit: Math.max(state.credit, credit) }
}

function finish(state: SessionState, { nowMs }: Moment): Step {
  if (state.phase !== "open") return state.phase === "ended" ? stay(state) : end(state)
  const next: SessionState = { ...state, phase: "closing", dueMs: nowMs + sessionMs.closing }
  return { state: next, effects: [{ type: "close", channel: state.channel }] }
}

function end(state: SessionState): Step {
  const next: SessionState = { ...state, phase: "ended", dueMs: Number.POSITIVE_INFINITY }
  return { state: next, effects: [{ type: "hangUp" }, { type: "done" }] }
}
