import { PosternError } from "@postern/log/base"

/** What a webhook needs of the world. */
export interface WebhookWorld {
  /** One question; gives the status of the answer. Throws if there is none. */
  post(url: URL, body: string): Promise<number>
  /** Resolves after `ms`, or as soon as the signal comes. */
  pause(ms: number, signal: AbortSignal): Promise<void>
  /** Said once for each run of failures. */
  failed(reason: string): void
  /** A message was taken; what is still undelivered has changed. */
  delivered(): void
}

const retryMsMin = 1_000
const retryMsMax = 60_000
/** Alarms are changes of state: more than this wait only if nobody looks at either end. The oldest are dropped. */
const waitingMax = 1_000
const postMs = 10_000

/**
 * Delivers messages to one URL, in order, each until the other end takes it with a 2xx: at least once. Ends by itself only
 * when it is told to.
 */
export class Webhook {
  readonly #url: URL
  readonly #world: WebhookWorld
  readonly #stop = new AbortController()
  readonly #waiting: string[]
  #running: Promise<void> | undefined

  /**
   * @param waiting messages that an earlier process did not get delivered
   * @throws PosternError USAGE unless the URL is https, or http to this machine
   */
  constructor(url: string, world: WebhookWorld, waiting: readonly string[] = []) {
    this.#url = parseWebhookUrl(url)
    this.#world = world
    this.#waiting = [...waiting]
    this.#start()
  }

  get undelivered(): readonly string[] {
    return this.#waiting
  }

  send(message: string): void {
    this.#waiting.push(message)
    if (this.#waiting.length > waitingMax) this.#waiting.shift()
    this.#start()
  }

  /** Gives what is under way `ms` to be delivered; what is left is in `undelivered`. */
  async stop(ms: number): Promise<void> {
    const given = new AbortController()
    await Promise.race([this.#running, this.#world.pause(ms, given.signal)])
    given.abort()
    this.#stop.abort()
    await this.#running
  }

  #start(): void {
    if (this.#stop.signal.aborted || this.#waiting.length === 0) return
    this.#running ??= this.#deliver().finally(() => {
      this.#running = undefined
    })
  }

  async #deliver(): Promise<void> {
    let waitMs = retryMsMin
    let told = false
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#stop.signal.aborted) return
      const reason = await this.#post(next)
      if (reason === undefined) {
        if (this.#waiting[0] === next) this.#waiting.shift()
        this.#world.delivered()
        waitMs = retryMsMin
        told = false
        continue
      }
      if (!told) this.#world.failed(reason)
      told = true
      await this.#world.pause(waitMs, this.#stop.signal)
      waitMs = Math.min(2 * waitMs, retryMsMax)
    }
  }

  /** Why it was not taken; undefined if it was. */
  async #post(message: string): Promise<string | undefined> {
    try {
      const status = await this.#world.post(this.#url, message)
      return status >= 200 && status < 300 ? undefined : `it answered with status ${status}`
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error
      return cause instanceof Error ? cause.message : String(cause)
    }
  }
}

/** @throws PosternError USAGE */
export function parseWebhookUrl(text: string): URL {
  const url = URL.parse(text)
  const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/
  const fits =
    url?.protocol === "https:" || (url?.protocol === "http:" && loopback.test(url.hostname))
  if (url !== null && fits) return url
  throw new PosternError("USAGE", "--webhook takes an https URL, or an http URL of this machine")
}

/** POSTs JSON; follows no redirect, reads no answer. */
export async function postJson(url: URL, body: string): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(postMs),
  })
  await response.body?.cancel()
  return response.status
}
