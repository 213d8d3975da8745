import type { IncomingMessage } from "node:http"
import { Agent, request } from "node:https"
import { loadProfile } from "@postern/client"
import type { Answer, Engine } from "./measured.ts"
import {
  type Condition,
  deepFrom,
  deepPages,
  facetTop,
  pageRows,
  type Question,
  queryText,
} from "./questions.ts"

/** What the read API answers with, as far as the bench looks at it. */
interface ReadAnswer {
  readonly entries?: readonly unknown[]
  readonly buckets?: readonly unknown[]
  readonly facets?: Record<string, readonly unknown[]>
  readonly complete?: boolean
  readonly size?: number
  readonly indexed?: number
  readonly cursor?: string
}

interface Given extends Answer {
  readonly cursor: string | undefined
}

const hourUs = 3_600_000_000

/**
 * The read API as a reader with a certificate sees it: a connection that stays, whole answers with their proofs. A time is from
 * asking to the last byte.
 */
export class ReadApiEngine implements Engine {
  readonly #agent: Agent
  readonly #port: number

  /** @param profile path of a reader's connection profile · @param port of the read plane on 127.0.0.1 */
  constructor(profile: string, port: number) {
    const { certificate: cert, key, ca } = loadProfile(profile)
    // Its certificate names the server by its SPIFFE ID, as the SDK checks it; here it is our own.
    const checkServerIdentity = () => undefined
    this.#agent = new Agent({ cert, key, ca, keepAlive: true, maxSockets: 1, checkServerIdentity })
    this.#port = port
  }

  async ask(question: Question): Promise<readonly Answer[]> {
    if (question.ask === "newest") {
      return [await this.#get("/v1/search", { ...parametersOf(question.where), limit: pageRows })]
    }
    if (question.ask === "pages") return this.#turnPages(question.where)
    const parameters = parametersOf(question.where)
    if (question.ask === "facets") {
      const fields = "actor,action,outcome,source"
      return [await this.#get("/v1/facets", { ...parameters, fields, top: facetTop })]
    }
    const { since = 0, until = 0 } = question.where
    // A range that does not begin with a bucket touches one more.
    const buckets = (until - since) / (question.hours * hourUs) + 1
    return [await this.#get("/v1/histogram", { ...parameters, buckets })]
  }

  async #turnPages(where: Condition): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    let cursor: string | undefined
    for (let page = 0; page < deepFrom + deepPages; page++) {
      const more = cursor === undefined ? {} : { cursor }
      const parameters = { ...parametersOf(where), limit: pageRows, ...more }
      const answer = await this.#get("/v1/search", parameters)
      if (page >= deepFrom) answers.push(answer)
      if (answer.cursor === undefined) break
      cursor = answer.cursor
    }
    return answers
  }

  async #get(path: string, parameters: Record<string, string | number>): Promise<Given> {
    const query = new URLSearchParams(
      Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
    )
    const began = performance.now()
    const { status, timing, body } = await this.get(`${path}?${query}`)
    const ms = performance.now() - began
    if (status !== 200) throw new Error(`${path} answers ${status}: ${body.slice(0, 300)}`)
    const answer = JSON.parse(body) as ReadAnswer
    const rows = rowsOf(answer)
    const whole = isWhole(answer)
    const { record: recordMs, find: findMs } = parseServerTiming(timing)
    return { rows, ms, recordMs, findMs, whole, cursor: answer.cursor }
  }

  /** Any resource of the read plane. */
  get(path: string): Promise<{ status: number; timing: string; body: string }> {
    const options = { host: "127.0.0.1", port: this.#port, path, agent: this.#agent }
    return new Promise((resolve, reject) => {
      const read = (answer: IncomingMessage): void => {
        const chunks: Buffer[] = []
        answer.on("data", (chunk: Buffer) => chunks.push(chunk))
        answer.on("error", reject)
        answer.on("end", () => {
          const timing = String(answer.headers["server-timing"] ?? "")
          const body = Buffer.concat(chunks).toString()
          resolve({ status: answer.statusCode ?? 0, timing, body })
        })
      }
      request(options, read).on("error", reject).end()
    })
  }

  async close(): Promise<void> {
    this.#agent.destroy()
  }
}

/** Entries at the log's end that a count may leave out: the reads of the bench itself are entries too. */
const uncountedMax = 1_000

/** A full page is; counts cover only what is indexed, so they are if that is nearly all. */
function isWhole({ entries, complete, size = 0, indexed = 0 }: ReadAnswer): boolean {
  if (entries !== undefined) return entries.length >= pageRows || complete !== false
  return complete !== false && size - indexed <= uncountedMax
}

function parametersOf(where: Condition): Record<string, string> {
  const q = queryText(where)
  const { since, until } = where
  return {
    ...(q === "" ? {} : { q }),
    ...(since === undefined ? {} : { since: timeText(since) }),
    ...(until === undefined ? {} : { until: timeText(until) }),
  }
}

function timeText(microseconds: number): string {
  return new Date(microseconds / 1000).toISOString()
}

function rowsOf({ entries, buckets, facets }: ReadAnswer): number {
  if (entries !== undefined) return entries.length
  if (buckets !== undefined) return buckets.length
  return Object.values(facets ?? {}).reduce((sum, values) => sum + values.length, 0)
}

/** Durations of a Server-Timing header by name, milliseconds: `record;dur=1.2, find;dur=0.8`. */
export function parseServerTiming(header: string): Record<string, number | undefined> {
  const entries = [...header.matchAll(/([\w-]+);(?:[^,]*;)?\s*dur=([\d.]+)/g)]
  return Object.fromEntries(entries.map(([, name, ms]) => [name, Number(ms)]))
}
