import { Agent, request } from "node:https"
import type { Profile } from "@postern/client"
import { pause } from "../support/waiting.ts"
import type { Decisions } from "./decisions.ts"
import { eventText } from "./event.ts"
import { addressOf } from "./installation.ts"

const retryMs = 20
const requestMsMax = 20_000

/** A batch as the answer describes it (docs/reference/write-http.md). */
export interface AnsweredBatch {
  readonly open: number
  readonly sequence: number
  readonly first: number
  readonly count: number
  readonly received: number
  readonly changed: 0 | 1 | 2 | 3
  readonly seed: string
  readonly path: readonly string[]
}

interface Answer {
  readonly duplicates: { position: number; index: number }[]
  readonly entries: { index: number; count: number }[]
  readonly refused: { position: number; code: string }[]
  readonly receipts: { note: string; batches: AnsweredBatch[] }[]
}

/** An answer with what it takes to check its receipts. */
export interface HttpSample {
  readonly answer: Answer
  /** Sequences of the events that became entries with this answer, in order. */
  readonly fresh: readonly number[]
}

/** A sender without a stream: repeats the very same body until the port says 200. */
export class HttpWriter {
  readonly name: string
  readonly faults: string[] = []
  /** Where the answers say that event n is. */
  readonly indexes: number[] = []
  /** Events that an answer called repeats: taken before, their answer was lost. */
  duplicates = 0
  sample: HttpSample | undefined
  readonly #profile: Profile
  readonly #decisions: Decisions
  readonly #onAnswer: () => void
  readonly #agent: Agent
  #stopping = false
  #loop: Promise<void> | undefined

  constructor(profile: Profile, decisions: Decisions, name: string, onAnswer: () => void) {
    this.#profile = profile
    this.#decisions = decisions.apart(name)
    this.name = name
    this.#onAnswer = onAnswer
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 })
  }

  start(): void {
    this.#stopping = false
    this.#loop = this.#run()
  }

  /** Resolves when the last body is answered. */
  async drain(): Promise<void> {
    this.#stopping = true
    await this.#loop
  }

  close(): void {
    this.#agent.destroy()
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const first = this.indexes.length
      const count = this.#decisions.between(1, this.name.startsWith("large") ? 10 : 200)
      const texts = Array.from({ length: count }, (_, i) => eventText(this.name, first + i))
      const lines = this.#decisions.chance(0.5)
      const body = lines ? texts.join("\n") : `[${texts.join(",")}]`
      const type = lines ? "application/x-ndjson" : "application/json"
      const answer = await this.#untilTaken(Buffer.from(body), type)
      if (answer === undefined) return
      this.#note(answer, first, count)
      this.#onAnswer()
    }
  }

  async #untilTaken(body: Buffer, type: string): Promise<Answer | undefined> {
    for (;;) {
      const answered = await this.#post(body, type).catch(() => undefined) // Killed: once more.
      if (answered?.status === 200) return JSON.parse(answered.text) as Answer
      if (answered !== undefined && answered.status !== 429 && answered.status !== 503) {
        this.faults.push(`${this.name}: ${answered.status} ${answered.text.slice(0, 300)}`)
        return undefined
      }
      await pause(retryMs)
    }
  }

  #post(body: Buffer, type: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const { ca, certificate: cert, key } = this.#profile
      const posted = request({
        ...addressOf(this.#profile),
        ...{ ca, cert, key, agent: this.#agent, method: "POST", path: "/v1/events" },
        headers: { "content-type": type, "content-length": body.length },
        minVersion: "TLSv1.3",
        timeout: requestMsMax,
      })
      posted.on("timeout", () => posted.destroy(new Error("no answer")))
      posted.on("error", reject)
      posted.on("response", (response) => {
        const chunks: Buffer[] = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("error", reject)
        response.on("close", () => {
          if (!response.complete) return reject(new Error("the answer was cut off"))
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
        })
      })
      posted.end(body)
    })
  }

  #note(answer: Answer, first: number, count: number): void {
    const before = new Map(answer.duplicates.map(({ position, index }) => [position, index]))
    const fresh = answer.entries.flatMap(({ index, count: entries }) =>
      Array.from({ length: entries }, (_, i) => index + i),
    )
    if (answer.refused.length > 0) {
      this.faults.push(`${this.name}: ${first}: refused ${JSON.stringify(answer.refused[0])}`)
    }
    if (fresh.length + before.size !== count) {
      this.faults.push(`${this.name}: ${first}: ${fresh.length} + ${before.size} of ${count}`)
    }
    const sequences: number[] = []
    let next = 0
    for (let position = 0; position < count; position++) {
      const known = before.get(position)
      if (known === undefined) sequences.push(first + position)
      this.indexes.push(known ?? fresh[next++] ?? -1)
    }
    this.duplicates += before.size
    if (sequences.length > 0) this.sample = { answer, fresh: sequences }
  }
}
