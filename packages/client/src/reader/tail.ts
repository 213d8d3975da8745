import type { IncomingMessage } from "node:http"
import { setTimeout as pause } from "node:timers/promises"
import { isPosternError, PosternError } from "@postern/log/base"
import type { Asker } from "./ask.ts"
import { type ClaimedEntry, type LogEntry, makeEntry, readClaim } from "./entry.ts"
import type { Trust } from "./trust.ts"

export interface TailOptions {
  /** Index after which to begin, -1 for the whole log. Default: from now on. */
  readonly after?: number
  readonly signal?: AbortSignal
}

const retryMsMin = 200
const retryMsMax = 5_000
const frameBytesMax = 16 * 1024 * 1024

/**
 * Entries as they become durable, without hole or repeat, over any number of cuts. An entry comes with `verified: false`, and
 * turns to true when a checkpoint has covered it; a proof that does not hold ends the tail with PROOF_INVALID.
 */
export async function* followTail(
  asker: Asker,
  trust: Trust,
  query: URLSearchParams,
  options: TailOptions,
): AsyncGenerator<LogEntry> {
  const state = new TailState(trust, options.after)
  let retryMs = retryMsMin
  while (!hasEnded(options.signal)) {
    try {
      const response = await asker.stream(...state.question(query), options.signal)
      for await (const frame of frames(response)) {
        retryMs = retryMsMin
        const entry = await state.take(frame)
        if (entry !== undefined) yield entry
      }
    } catch (error) {
      if (hasEnded(options.signal)) return
      const passes = isPosternError(error) ? error.kind === "busy" : true
      if (!passes) throw error
    }
    await pause(retryMs, undefined, { signal: options.signal }).catch(() => "ended")
    retryMs = Math.min(retryMs * 2, retryMsMax)
  }
}

function hasEnded(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

interface Sent {
  readonly claim: ClaimedEntry
  /** Undefined for openings that were sent beside the entries. */
  readonly entry: LogEntry | undefined
}

/** What was received and how much of it is proven. */
class TailState {
  readonly #trust: Trust
  /** Index of the last entry that was examined, for the next connection. */
  #last: number | undefined
  /** The highest index that was handed out. */
  #given = -1
  readonly #openings = new Map<number, ClaimedEntry>()
  readonly #unproven = new Map<number, Sent>()

  constructor(trust: Trust, after: number | undefined) {
    this.#trust = trust
    this.#last = after
    this.#given = after ?? -1
  }

  /** What is still unproven is asked for again, so that the new connection proves it. */
  question(query: URLSearchParams): [string, Record<string, string>] {
    const unproven = Math.min(...this.#unproven.keys())
    const from = Number.isFinite(unproven)
      ? Math.min(unproven - 1, this.#last ?? unproven)
      : this.#last
    this.#openings.clear()
    this.#unproven.clear()
    const asked = new URLSearchParams(query)
    if (from !== undefined) asked.set("after", String(from))
    const text = asked.toString()
    return [`/v1/tail${text === "" ? "" : `?${text}`}`, { accept: "text/event-stream" }]
  }

  async take({ event, id, data }: SseFrame): Promise<LogEntry | undefined> {
    if (id !== undefined && /^-?\d+$/.test(id)) this.#last = Number(id)
    if (data === "") return undefined
    const value = JSON.parse(data)
    if (event === "checkpoint") return this.#prove(value)
    const claim = readClaim(value)
    this.#openings.set(claim.index, claim)
    if (event !== "entry") {
      this.#unproven.set(claim.index, { claim, entry: undefined })
      return undefined
    }
    const opening = this.#openings.get(claim.stream)
    if (opening === undefined)
      throw new PosternError("PROOF_INVALID", `no opening of stream ${claim.stream}`)
    const entry = makeEntry(claim, opening, false)
    this.#unproven.set(claim.index, { claim, entry })
    if (claim.index <= this.#given) return undefined
    this.#given = claim.index
    return entry
  }

  async #prove(value: { checkpoint?: unknown; proof?: unknown }): Promise<undefined> {
    const proven = await this.#trust.prove(
      [...this.#unproven.values()].map(({ claim }) => claim),
      value,
    )
    for (const [index, { entry }] of this.#unproven) {
      if (index >= proven) continue
      if (entry !== undefined) entry.verified = true
      this.#unproven.delete(index)
    }
    return undefined
  }
}

interface SseFrame {
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

/** Server-sent events (HTML Living Standard §9.2), as far as the read port uses them. */
async function* frames(response: IncomingMessage): AsyncGenerator<SseFrame> {
  let text = ""
  response.setEncoding("utf8")
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk
    if (text.length > frameBytesMax)
      throw new PosternError("UNREACHABLE", "a tail's frame is too long")
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield parseFrame(text.slice(0, end))
      text = text.slice(end + 2)
    }
  }
}

function parseFrame(text: string): SseFrame {
  let event = "message"
  let id: string | undefined
  let data = ""
  for (const line of text.split("\n")) {
    if (line.startsWith("event: ")) event = line.slice(7)
    if (line.startsWith("id: ")) id = line.slice(4)
    if (line.startsWith("data: ")) data += line.slice(6)
  }
  return { event, id, data }
}
