import { type Audit, connect, type Details, loadProfile, type Problem } from "@postern/client"
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
 * was not acknowledged stays there and goes first the next time. The certificate in the profile is renewed meanwhile, if it is due.
 * Errors: PROFILE_INVALID, SPOOL_LOCKED, UNREACHABLE.
 * @param profile path of one
 */
export async function sendEvents(
  profile: string,
  lines: AsyncIterable<InputLine>,
  tally: SendTally,
  note: (text: string) => void,
): Promise<void> {
  const { spool: directory } = loadProfile(profile)
  if (directory === undefined) {
    throw new PosternError("PROFILE_INVALID", "it names no spool directory")
  }
  const spool = { directory: `${directory}-send`, whenFull: "block" } as const
  // What is refused is told line by line, by the promise that is refused with it.
  const onProblem = ({ code, message }: Problem): void => {
    if (code === "RENEWAL_LATE") note(message)
  }
  const audit = await connect(profile, { wait: true, spool, onProblem })
  const onTheWay = new OnTheWay(onTheWayMax)
  try {
    for await (const line of lines) {
      await onTheWay.room()
      onTheWay.add(sendOne(audit, line, tally))
    }
    await audit.flush(flushMs)
  } finally {
    // Also when the input broke off: what was sent before it did counts.
    await audit.close(closeMs)
    await onTheWay.empty()
  }
}

/** Counts what is under way. (Promise.race over thousands, once a line, would be most of the work.) */
class OnTheWay {
  readonly #most: number
  #count = 0
  #changed: (() => void) | undefined
  #failure: unknown

  constructor(most: number) {
    this.#most = most
  }

  add(task: Promise<void>): void {
    this.#count += 1
    void task
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#count -= 1
        this.#changed?.()
      })
  }

  room(): Promise<void> {
    return this.#until(this.#most - 1)
  }

  empty(): Promise<void> {
    return this.#until(0)
  }

  async #until(count: number): Promise<void> {
    while (this.#count > count) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure
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
    if (error.code === "EVENT_NOT_KEPT") tally.notKept += 1
    // It was not acknowledged before we closed.
    else if (error.code === "UNREACHABLE" || error.code === "SHUTTING_DOWN") tally.waiting += 1
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
