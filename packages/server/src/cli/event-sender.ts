import { type Audit, connect, type Details, type Profile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import { parseJson } from "./https-exchange.ts"
import type { InputLine } from "./input-lines.ts"
import type { SendTally } from "./send-tally.ts"

/** Events on their way: enough to fill the line, few enough to be held in memory. */
const onTheWayMax = 4000
const flushMs = 30_000
const closeMs = 5000

/**
 * Sends events, one a line, through the SDK: what a line leaves out is filled in, each entry's receipt is checked
 * before it counts. It has a spool of its own beside the profile's, so that an application may use that meanwhile; what
 * was not acknowledged stays there and goes first the next time. Errors: PROFILE_INVALID, SPOOL_LOCKED, UNREACHABLE.
 */
export async function sendEvents(
  profile: Profile,
  lines: AsyncIterable<InputLine>,
  tally: SendTally,
): Promise<void> {
  if (profile.spool === undefined) {
    throw new PosternError("PROFILE_INVALID", "it names no spool directory")
  }
  const spool = { directory: `${profile.spool}-send`, whenFull: "block" } as const
  // What is refused is told line by line, by the promise that is refused with it.
  const audit = await connect(profile, { wait: true, spool, onProblem: () => undefined })
  const onTheWay = new Set<Promise<void>>()
  try {
    for await (const line of lines) {
      const sent: Promise<void> = sendOne(audit, line, tally).finally(() => onTheWay.delete(sent))
      onTheWay.add(sent)
      if (onTheWay.size >= onTheWayMax) await Promise.race(onTheWay)
    }
    await audit.flush(flushMs)
  } finally {
    // Also when the input broke off: what was sent before it did counts.
    await audit.close(closeMs)
    await Promise.all(onTheWay)
  }
}

async function sendOne(audit: Audit, line: InputLine, tally: SendTally): Promise<void> {
  const { number, text } = line
  try {
    const { action, details } = readEvent(text)
    await audit.confirm(action, details)
    tally.accepted += 1
  } catch (error) {
    if (!isPosternError(error)) throw error
    // It was not acknowledged before we closed.
    if (error.code === "UNREACHABLE" || error.code === "SHUTTING_DOWN") tally.waiting += 1
    else if (error.code === "RECEIPT_GONE") tally.unproven += 1
    else tally.refuseWith(number, error)
  }
}

/** The members are judged by the SDK, which completes them. */
function readEvent(text: string): { action: string; details: Details } {
  const value = parseJson(text)
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PosternError("EVENT_SYNTAX")
  }
  const { action, ...details } = value as Record<string, unknown>
  if (action === undefined) throw new PosternError("EVENT_MISSING_FIELD", "action")
  return { action: action as string, details: details as unknown as Details }
}
