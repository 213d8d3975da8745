import { encodeUtf8, PosternError } from "@postern/log/base"
import type { LogView } from "../../disk/index.ts"
import type { TailPace } from "./tail-frames.ts"

/** Why a tail ended, as its record says. */
export type TailEnd = "viewer" | "stuck" | "grant" | "drain" | "failed"

export interface TailStream {
  readonly body: ReadableStream<Uint8Array>
  /** Resolves when the end is recorded. Later ends change nothing. */
  end(why: TailEnd): Promise<void>
}

export interface TailStreamOptions {
  readonly view: LogView
  /** A viewer that takes nothing for so long loses the connection. */
  readonly stuckMs: number
  /** Ends the viewer's connection at once; without it a viewer that is stuck sees its body fail. */
  readonly cut: (() => void) | undefined
  mayGoOn(): boolean
  frames(pace: TailPace): AsyncGenerator<string | Uint8Array, void, undefined>
  /** The last frame of a tail that failed. */
  failure(error: unknown): string | Uint8Array
  onEnd(why: TailEnd): Promise<void>
}

/** A body that is made only as fast as it is read: the next frames are asked for when the last ones were taken. */
export function openTailStream(options: TailStreamOptions): TailStream {
  let ended: Promise<void> | undefined
  /** Ends a pause that is under way. */
  let wake: (() => void) | undefined
  let stuck: NodeJS.Timeout | undefined
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const unsubscribe = options.view.onHead(() => wake?.())

  function waitForViewer(): void {
    stuck = setTimeout(() => void end("stuck"), options.stuckMs)
    stuck.unref()
  }

  function end(why: TailEnd): Promise<void> {
    if (ended !== undefined) return ended
    clearTimeout(stuck)
    unsubscribe()
    ended = options.onEnd(why)
    wake?.()
    if (why === "stuck") dismiss()
    // After the viewer has gone there is nothing left to close.
    else if (why !== "viewer") controller?.close()
    return ended
  }

  function dismiss(): void {
    if (options.cut !== undefined) options.cut()
    else controller?.error(new PosternError("IDLE_TIMEOUT", "the viewer takes nothing"))
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => wake?.(), ms)
      wake = () => {
        clearTimeout(timer)
        wake = undefined
        resolve()
      }
      if (ended !== undefined) wake()
    })
  }

  const mayGoOn = () => ended === undefined && options.mayGoOn()
  const frames = options.frames({ mayGoOn, pause })

  async function next(): Promise<{ text: string | Uint8Array; end?: TailEnd }> {
    try {
      const { done, value } = await frames.next()
      return done === true ? { text: "", end: "grant" } : { text: value }
    } catch (error) {
      return { text: options.failure(error), end: "failed" }
    }
  }

  async function pull(): Promise<void> {
    clearTimeout(stuck)
    const { text, end: why } = await next()
    if (ended !== undefined) return
    const bytes = typeof text === "string" ? encodeUtf8(text) : text
    if (bytes.length > 0) controller?.enqueue(bytes)
    if (why === undefined) waitForViewer()
    else await end(why)
  }

  function start(given: ReadableStreamDefaultController<Uint8Array>): void {
    controller = given
    waitForViewer()
  }

  const source = { start, pull, cancel: () => end("viewer") }
  return { body: new ReadableStream(source, { highWaterMark: 0 }), end }
}
