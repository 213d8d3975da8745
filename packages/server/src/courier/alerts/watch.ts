import { randomUUID } from "node:crypto"
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import {
  type AlertRules,
  type AlertsState,
  alertsFileName,
  type Effect,
  formatAlertsFile,
  type LastDelivery,
  type Notice,
  newAlertsState,
  parseAlerts,
  parseAlertsFile,
  retire,
  step,
  type Waiting,
} from "../../alerts/index.ts"
import { type LogView, replaceFile } from "../../disk/index.ts"
import type { Tell } from "../../lifetime/index.ts"
import { Deliveries } from "./deliveries.ts"
import { Following } from "./following.ts"
import { noticeBody, testBody } from "./messages.ts"
import type { OwnRecords } from "./own-records.ts"
import { followRules, type RulesFile } from "./rules-file.ts"
import { type PostWebhook, postWebhook } from "./webhook-wire.ts"

export interface AlertsWatchOptions {
  /** alerts.yaml. */
  readonly file: string
  /** data/state/courier. */
  readonly state: string
  readonly view: LogView
  readonly records: OwnRecords
  /** SPIFFE IDs of the installation's own processes: they are not new. */
  readonly house: readonly string[]
  readonly tell: Tell
  readonly post?: PostWebhook
  /** Between two attempts to deliver, milliseconds. */
  readonly pauses?: readonly number[]
}

/** What the receivers answered to a test. */
export interface TestResult {
  readonly webhook: string
  /** Undefined if there was no answer. */
  readonly status?: number
  readonly answer: string
}

export interface AlertsWatch {
  /** Sends a marked notification to the alert's webhooks now. Errors: REQUEST_INVALID, OVERLOADED. */
  test(name: unknown, asker: string): Promise<readonly TestResult[]>
  close(): Promise<void>
}

/** An entry about the watching itself. */
interface Note {
  readonly kind: "note"
  readonly action: string
  readonly outcome: "success" | "failure" | "unknown"
  readonly data: object
}

type Deed = Effect | Note

const lookMs = 200
const rulesMs = 1_000
const saveMs = 5_000
/** An entry that waits longer than this to be looked at: alerts are late, and the log says so. */
const behindMs = 60_000
const testsPerMinute = 6
const nothing = "questions: []\n"

/** Begins to follow; at a first start at the head of the log. Errors: those of the file system. */
export function openAlertsWatch(options: AlertsWatchOptions): AlertsWatch {
  mkdirSync(options.state, { recursive: true, mode: 0o750 })
  return new Watch(options)
}

class Watch implements AlertsWatch {
  readonly #options: AlertsWatchOptions
  readonly #following: Following
  readonly #rulesFile: RulesFile
  readonly #deliveries: Deliveries
  readonly #post: PostWebhook
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #rules: AlertRules = parseAlerts(nothing)
  #refused: string | undefined
  #state: AlertsState = newAlertsState(0)
  /** Not yet carried out. */
  readonly #deeds: Deed[] = []
  #savedMs = Number.NEGATIVE_INFINITY
  #lookedMs = Number.NEGATIVE_INFINITY
  /** Whether what an earlier life left was taken up. */
  #isOpen = false
  #isChanged = false
  #isBehind = false
  #complaint = ""
  #testsMs: number[] = []
  #wake: () => void = () => undefined

  constructor(options: AlertsWatchOptions) {
    const { file, state, view, records, post = postWebhook, pauses } = options
    this.#options = options
    this.#post = post
    this.#following = new Following(view, records.id)
    this.#rulesFile = followRules(file, join(state, "alerts.yaml"))
    const world = {
      post,
      webhook: (name: string) => this.#rules.webhooks.find((one) => one.name === name),
      undelivered: (...facts: [Waiting, number, string]) => this.#undelivered(...facts),
      changed: () => {
        this.#isChanged = true
        this.#savedMs = Number.NEGATIVE_INFINITY // Lest a message that was taken comes again.
        this.#wake()
      },
    }
    this.#deliveries = new Deliveries(world, pauses)
    this.#running = this.#run()
  }

  get #file(): string {
    return join(this.#options.state, alertsFileName)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        if (!this.#isOpen) await this.#begin()
        this.#isOpen = true
        const isMore = await this.#look()
        this.#complaint = ""
        if (isMore) continue
      } catch (error) {
        await this.#complain(error)
      }
      await this.#pause()
    }
  }

  #pause(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, lookMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Once, not five times a second; in the log too, since whoever relies on alerts must know. */
  async #complain(error: unknown): Promise<void> {
    const text = String(error)
    if (text === this.#complaint) return
    this.#complaint = text
    const { tell, records } = this.#options
    tell("error", "alerts are not up to date", { error: text })
    const data = { position: this.#state.position, error: text.slice(0, 200) }
    await records.record("postern.alerts.behind", "failure", data).catch((cause) => {
      tell("error", "that alerts are behind could not be recorded", { error: String(cause) })
    })
  }

  async #begin(): Promise<void> {
    const { size } = this.#following
    const kept = readKept(this.#file, size)
    if (kept.state === undefined) {
      this.#state = newAlertsState(size)
      for (const id of this.#options.house) this.#state.known.set(id, [])
      await this.#following.learn(this.#state)
    } else this.#state = kept.state
    for (const [name, delivery] of kept.deliveries) this.#deliveries.last.set(name, delivery)
    this.#deliveries.add(kept.waiting)
    this.#rules = this.#keptRules()
    await this.#lookAtRules(kept.lost ? "lost" : kept.state === undefined ? "first" : "start")
    this.#deliveries.start()
  }

  #keptRules(): AlertRules {
    try {
      return this.#rulesFile.kept() ?? this.#rules
    } catch (error) {
      this.#options.tell("warn", "the alerts of before cannot be read", { error: String(error) })
      return this.#rules
    }
  }

  /** Takes the next entries; resolves with whether there are more. */
  async #look(): Promise<boolean> {
    if (performance.now() - this.#lookedMs > rulesMs) {
      this.#lookedMs = performance.now()
      await this.#options.records.look()
      await this.#lookAtRules("change")
    }
    const { entries, next } = await this.#following.take(this.#state.position)
    for (const entry of entries) this.#step({ kind: "entry", entry })
    this.#isChanged ||= next > this.#state.position || entries.length > 0
    this.#state.position = next
    this.#tellLag(entries.at(-1)?.receivedMs)
    const isMore = next < this.#following.size
    this.#step({ kind: "tick", upToDate: !isMore })
    await this.#carryOut()
    return isMore
  }

  #step(what: Parameters<typeof step>[2]): void {
    this.#deeds.push(...step(this.#state, this.#rules, what, Date.now()))
  }

  /** @param receivedMs of the newest entry that was looked at now */
  #tellLag(receivedMs: number | undefined): void {
    const { position } = this.#state
    const { size } = this.#following
    const lagMs = receivedMs === undefined ? 0 : Date.now() - receivedMs
    const data = { position, size, seconds: Math.round(lagMs / 1000) }
    if (!this.#isBehind && position < size && lagMs > behindMs) {
      this.#isBehind = true
      this.#note("postern.alerts.behind", "failure", data)
    } else if (this.#isBehind && position >= size) {
      this.#isBehind = false
      this.#note("postern.alerts.caught-up", "success", { position, size })
    }
  }

  async #lookAtRules(by: "first" | "start" | "lost" | "change"): Promise<void> {
    const { tell } = this.#options
    const news = await this.#rulesFile.look()
    if (news !== undefined && "refused" in news) {
      const { message, detail = message } = news.refused
      this.#refused = detail
      this.#isChanged = true
      tell("error", "the old alerts stay in force", { error: detail })
      this.#note("postern.alerts.refused", "failure", { error: detail.slice(0, 500), by })
    }
    if (by === "change" && (news === undefined || !("rules" in news))) return
    const previous = this.#rules.digest
    if (news !== undefined && "rules" in news) {
      this.#rules = news.rules
      this.#refused = undefined
    }
    this.#deeds.push(...retire(this.#state, this.#rules))
    this.#isChanged = true
    const { digest, alerts } = this.#rules
    const data = { digest, previous, alerts: alerts.length, from: this.#state.position, by }
    this.#note("postern.alerts.loaded", by === "lost" ? "unknown" : "success", data)
    tell("info", "alerts in force", { digest, alerts: alerts.length, from: this.#state.position })
  }

  /**
   * Entries first, then the state with what is to be delivered, then the deliveries: so nothing is lost by a crash, and what may come
   * twice is what was under way in that moment.
   */
  async #carryOut(): Promise<void> {
    const isDue = performance.now() - this.#savedMs > saveMs
    const hasDone = this.#deeds.length > 0
    for (let deed = this.#deeds[0]; deed !== undefined; deed = this.#deeds[0]) {
      if (deed.kind === "notice") this.#enqueue(deed.notice)
      else {
        const isGood = deed.kind === "entry" && deed.action === "postern.alert.cleared"
        const outcome = deed.kind === "note" ? deed.outcome : isGood ? "success" : "failure"
        await this.#options.records.record(deed.action, outcome, deed.data)
      }
      this.#deeds.shift()
    }
    if (hasDone || (this.#isChanged && isDue)) await this.#save()
    this.#deliveries.start()
  }

  #note(action: string, outcome: Note["outcome"], data: object): void {
    this.#deeds.push({ kind: "note", action, outcome, data })
  }

  #enqueue(notice: Notice): void {
    const now = Date.now()
    const body = noticeBody(notice, this.#options.view.origin, now)
    const alert = notice.kind === "alert" ? notice.alert : "(summary)"
    const id = `msg_${randomUUID()}`
    const messages = notice.to.map((webhook) => ({ id, webhook, alert, body, madeMs: now }))
    this.#deliveries.add(messages)
  }

  #undelivered({ alert, webhook, id }: Waiting, attempts: number, reason: string): void {
    const { records, tell } = this.#options
    const data = { alert, webhook, message: id, attempts, reason: reason.slice(0, 200) }
    tell("error", "a notification was not taken", data)
    records.record("postern.alert.undelivered", "failure", data).catch((error) => {
      tell("error", "that it was not taken could not be recorded", { error: String(error) })
    })
  }

  async #save(): Promise<void> {
    this.#savedMs = performance.now()
    this.#isChanged = false
    const text = formatAlertsFile({
      ...{ rules: this.#rules, state: this.#state, refused: this.#refused, writtenMs: Date.now() },
      ...{ waiting: this.#deliveries.waiting, deliveries: this.#deliveries.last },
    })
    await replaceFile(this.#file, text)
  }

  async test(name: unknown, asker: string): Promise<readonly TestResult[]> {
    const alert = this.#rules.alerts.find((one) => one.name === name)
    if (alert === undefined)
      throw new PosternError("REQUEST_INVALID", "there is no alert of that name in force")
    if (alert.to.length === 0)
      throw new PosternError("REQUEST_INVALID", `${alert.name} names no webhook in to`)
    const now = performance.now()
    this.#testsMs = this.#testsMs.filter((at) => now - at < 60_000)
    if (this.#testsMs.length >= testsPerMinute)
      throw new PosternError("OVERLOADED", `${testsPerMinute} tests a minute`)
    this.#testsMs.push(now)
    const body = testBody(alert, this.#options.view.origin, Date.now())
    const id = `msg_${randomUUID()}`
    const webhooks = this.#rules.webhooks.filter((one) => alert.to.includes(one.name))
    const results = await Promise.all(
      webhooks.map(async (webhook) => {
        const { status, text } = await this.#post(webhook, { id, body }, this.#stop.signal)
        return { webhook: webhook.name, ...(status === undefined ? {} : { status }), answer: text }
      }),
    )
    const told = results.map(({ webhook, status }) => ({ webhook, status }))
    await this.#options.records.record("postern.alert.tested", "success", {
      alert: alert.name,
      asker,
      told,
    })
    return results
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#running
    await this.#deliveries.close()
    if (this.#isOpen) await this.#save()
    await this.#options.records.close()
  }
}

interface Kept {
  readonly state: AlertsState | undefined
  readonly waiting: readonly Waiting[]
  readonly deliveries: readonly (readonly [string, LastDelivery])[]
  /** There was something, and it is no good: what went by meanwhile was not looked at. */
  readonly lost: boolean
}

function readKept(file: string, size: number): Kept {
  const none = { state: undefined, waiting: [], deliveries: [] }
  if (!existsSync(file)) return { ...none, lost: false }
  try {
    const { state, waiting, alerts } = parseAlertsFile(readFileSync(file, "utf8"))
    // A log that is shorter than what was seen of it is another one.
    if (state.position > size) return { ...none, lost: true }
    const deliveries = alerts.flatMap(({ name, lastDelivery }) =>
      lastDelivery === undefined ? [] : [[name, lastDelivery] as const],
    )
    return { state, waiting, deliveries, lost: false }
  } catch (error) {
    if (!isPosternError(error)) throw error
    return { ...none, lost: true }
  }
}
