import { Agent, request } from "node:https"
import { loadProfile, type Profile } from "@postern/client"
import { pause } from "../support/waiting.ts"
import { addressOf } from "./installation.ts"

const retryMs = 20
const answerMsMax = 10_000

/** Asks the read port one question after the other, never the same twice, over several connections. */
export class Questioner {
  /** Questions whose answer has arrived whole. */
  readonly answered = new Set<string>()
  readonly faults: string[] = []
  readonly #profile: Profile
  readonly #askers: number
  readonly #agent: Agent
  #asked = 0
  #stopping = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(profile: string, askers: number) {
    this.#profile = loadProfile(profile)
    this.#askers = askers
    this.#agent = new Agent({ keepAlive: true, maxSockets: askers })
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: this.#askers }, () => this.#run()))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
    this.#agent.destroy()
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#asked += 1
      const from = this.#asked % 1000
      const question = `/v1/entries?from=${from}&to=${from + Math.ceil(this.#asked / 1000)}`
      const answer = await this.#ask(question).catch(() => undefined) // The reader was killed.
      if (answer === undefined || answer.status === 503) {
        await pause(retryMs)
      } else if (answer.status === 200 && answer.first === from) {
        this.answered.add(question)
      } else if (this.faults.length < 20) {
        this.faults.push(`${question}: ${answer.status}, first entry ${answer.first}`)
      }
    }
  }

  #ask(path: string): Promise<{ status: number; first: unknown }> {
    return new Promise((resolve, reject) => {
      const { ca, certificate: cert, key } = this.#profile
      const place = addressOf(this.#profile)
      const asked = request({ ...place, ca, cert, key, agent: this.#agent, path })
      asked.setTimeout(answerMsMax, () => asked.destroy(new Error("no answer")))
      asked.on("error", reject)
      asked.on("response", (response) => {
        const chunks: Buffer[] = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("error", reject)
        response.on("close", () => {
          if (!response.complete) return reject(new Error("the answer was cut off"))
          const body = JSON.parse(Buffer.concat(chunks).toString()) as { entries?: Entry[] }
          resolve({ status: response.statusCode ?? 0, first: body.entries?.[0]?.index })
        })
      })
      asked.end()
    })
  }
}

interface Entry {
  readonly index: number
}
