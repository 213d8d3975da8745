import { type ErrorCode, errorRegistry } from "@postern/log/base"

/** Something the application's operator should hear of; the application itself goes on. */
export interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  /** Events it concerns, where that is known; else 0. */
  readonly events: number
}

const everyMs = 10_000

/** A code of a port that is newer than this registry says what it means in its own words. */
export function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorRegistry, code) ? (code as ErrorCode) : "REQUEST_INVALID"
}

/**
 * Who is told when the application does not listen: two lines on standard error, a kind at most every ten seconds. Events
 * that were not told of are counted with the next line.
 */
export function createStderrReport(nowMs: () => number): (problem: Problem) => void {
  const last = new Map<string, { toldMs: number; events: number }>()
  return ({ code, message, hint, events }) => {
    const known = last.get(code) ?? { toldMs: Number.NEGATIVE_INFINITY, events: 0 }
    last.set(code, known)
    known.events += events
    if (nowMs() - known.toldMs < everyMs) return
    const concerned = known.events > 0 ? ` (${known.events} events)` : ""
    process.stderr.write(`postern: error: ${message}${concerned}\npostern: hint: ${hint}\n`)
    known.toldMs = nowMs()
    known.events = 0
  }
}
