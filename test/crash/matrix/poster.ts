import { Agent, request } from "node:https"
import type { Profile } from "@postern/client"
import { pause } from "../../support/waiting.ts"
import { eventText } from "../event.ts"
import { addressOf } from "../installation.ts"

const retryMs = 50
const attemptsMax = 200

interface Answer {
  readonly duplicates: readonly { readonly position: number; readonly index: number }[]
  readonly entries: readonly { readonly index: number; readonly count: number }[]
  readonly refused: readonly unknown[]
}

/** Sends the same bodies in the same order, each until it is answered, over as many lives of the port as that takes. */
export class Poster {
  readonly name: string
  readonly faults: string[] = []
  /** Where the answers say that event n is. */
  readonly indexes: number[] = []
  readonly #profile: Profile
  readonly #counts: readonly number[]
  #done = 0
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  /** @param counts events of each body */
  constructor(profile: Profile, counts: readonly number[], name = "small-h1") {
    this.name = name
    this.#profile = profile
    this.#counts = counts
  }

  /** Sends what is not answered yet. Rejects as soon as the port does not answer at all. */
  async postRest(): Promise<void> {
    for (const count of this.#counts.slice(this.#done)) {
      const first = this.indexes.length
      const texts = Array.from({ length: count }, (_, i) => eventText(this.name, first + i))
      const answer = await this.#untilTaken(Buffer.from(`[${texts.join(",")}]`))
      this.#note(answer, count)
      this.#done += 1
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  /** A full disk is answered with 503 or 429 until it is not. */
  async #untilTaken(body: Buffer): Promise<Answer> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const { status, text } = await this.#post(body)
      if (status === 200) return JSON.parse(text) as Answer
      if (status !== 429 && status !== 503) throw new Error(`answered ${status}: ${text}`)
      await pause(retryMs)
    }
    throw new Error("never taken")
  }

  #post(body: Buffer): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const { ca, certificate: cert, key } = this.#profile
      const posted = request({
        ...addressOf(this.#profile),
        ...{ ca, cert, key, agent: this.#agent, method: "POST", path: "/v1/events" },
        headers: { "content-type": "application/json", "content-length": body.length },
        minVersion: "TLSv1.3",
      })
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

  #note({ duplicates, entries, refused }: Answer, count: number): void {
    const before = new Map(duplicates.map(({ position, index }) => [position, index]))
    const fresh = entries.flatMap(({ index, count: length }) =>
      Array.from({ length }, (_, i) => index + i),
    )
    if (refused.length > 0) this.faults.push(`refused ${JSON.stringify(refused[0])}`)
    if (fresh.length + before.size !== count) {
      this.faults.push(`${fresh.length} + ${before.size} of ${count} answered`)
    }
    for (let position = 0; position < count; position++) {
      this.indexes.push(before.get(position) ?? fresh.shift() ?? -1)
    }
  }
}
