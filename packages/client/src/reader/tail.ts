import type { IncomingMessage } from "node:http"
import { setTimeout as pause } from "node:timers/promises"
import { isPosternError, PosternError } from "@postern/log/base"
import { parseQuery } from "@postern/log/query"
import type { Asker } from "./ask.ts"
import type { LogEntry } from "./entry.ts"
import { readFrames, type SentFrame } from "./frames.ts"
import { TailState } from "./tail-state.ts"
import type { Trust } from "./trust.ts"

export interface TailOptions {
  /** Index after which to begin, -1 for the whole log. Default: from now on. */
  readonly after?: number
  /** Ends the tail, without an error. */
  readonly signal?: AbortSignal
  /** Told if the port says that the grant lets this reader see only what fulfils a query. Then it may leave anything out. */
  readonly onNarrowed?: (query: string) => void
  /** Told when the connection is lost; the tail goes on by itself. */
  readonly onCut?: (error: PosternError) => void
}

const retryMsMin = 200
const retryMsMax = 5_000

/**
 * Entries as they become durable, without hole or repeat over any number of cuts. The first connection must succeed; later
 * ones are tried until the signal ends it. A proof that does not hold ends the tail.
 */
export async function* followTail(
  asker: Asker,
  trust: Trust,
  q: string,
  options: TailOptions,
): AsyncGenerator<LogEntry, void, undefined> {
  const { after, signal, onCut } = options
  const state = new TailState(trust, after, parseQuery(q).kind === "all")
  let wasConnected = false
  let retryMs = retryMsMin
  while (!hasEnded(signal)) {
    try {
      for await (const frame of connect(asker, state, q, options)) {
        wasConnected = true
        retryMs = retryMsMin
        const entry = await state.take(frame)
        if (entry !== undefined) yield entry
      }
    } catch (error) {
      if (hasEnded(signal)) return
      const mayPass = isPosternError(error) && error.kind === "busy"
      if (!wasConnected || !mayPass) throw error
      onCut?.(error)
    }
    await pause(retryMs, undefined, { signal }).catch(() => undefined)
    retryMs = Math.min(retryMs * 2, retryMsMax)
  }
}

function hasEnded(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

async function* connect(
  asker: Asker,
  state: TailState,
  q: string,
  { signal, onNarrowed }: TailOptions,
): AsyncGenerator<SentFrame, void, undefined> {
  const query = new URLSearchParams(q === "" ? {} : { q })
  const after = state.begin()
  if (after !== undefined) query.set("after", String(after))
  const text = query.size === 0 ? "" : `?${query}`
  const response = await asker.stream(`/v1/tail${text}`, { accept: "text/event-stream" }, signal)
  const narrowed = response.headers["postern-narrowed"]
  if (typeof narrowed === "string" && state.narrow()) onNarrowed?.(decoded(narrowed))
  try {
    yield* readFrames(textOf(response))
  } finally {
    response.destroy()
  }
}

/** The text of a header is the port's: it need not be what it should be. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // Shown as it came.
  }
}

async function* textOf(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  response.setEncoding("utf8")
  try {
    yield* response as AsyncIterable<string>
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new PosternError("UNREACHABLE", `the tail broke off: ${why}`, { cause })
  }
}
