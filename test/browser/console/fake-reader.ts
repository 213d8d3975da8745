import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join, normalize } from "node:path"
import { fileURLToPath } from "node:url"
import { isPosternError } from "@postern/log/base"
import { formatTime, parseTime } from "@postern/log/event"
import { completeAt, parseQuery, type Query } from "@postern/log/query"
import { vkey } from "../../evidence/small-log.ts"
import { accessAnswer, alertsAnswer, logAnswer, portAnswer, writersAnswer } from "./fake-answers.ts"
import { type InventedEntry, type InventedLog, secret } from "./invented-log.ts"

const files = fileURLToPath(new URL("../../../packages/server/console/", import.meta.url))
const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
}
export const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

/** What a test makes the reader do. */
export interface Behaviour {
  /** Changes an answer before it is sent. */
  change?: (path: string, answer: unknown) => unknown
  /** Problems in the place of answers, by the beginning of the path. */
  refuse?: Readonly<Record<string, { status: number; code: string; hint?: string }>>
  /** Answers that come only when this is resolved. */
  hold?: Promise<void>
  /** How many entries a search looks at for one answer. */
  examinesMax?: number
  see?: "monitor" | "investigator" | "auditor"
  /** Entries that the log is said to have, made up as they are asked for: none can be proven. */
  endless?: number
}

/** The read API as far as the console asks it, over an invented log. For tests only: nothing is recorded, nobody is asked for a certificate. */
export class FakeReader {
  readonly log: InventedLog
  readonly asked: string[] = []
  behaviour: Behaviour = {}
  readonly #server: Server
  readonly #tails = new Set<{ response: ServerResponse; query: Query; next: number }>()

  private constructor(log: InventedLog) {
    this.log = log
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  static async open(log: InventedLog): Promise<FakeReader> {
    const reader = new FakeReader(log)
    await new Promise<void>((resolve) => reader.#server.listen(0, "127.0.0.1", resolve))
    return reader
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** New entries come in, for those who follow. */
  write(count: number): void {
    this.log.invent(count, 20_000)
    for (const tail of this.#tails) this.#send(tail)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://x")
    this.asked.push(`${request.method} ${request.url}`)
    try {
      if (url.pathname === "/" || url.pathname.startsWith("/assets/"))
        return sendFile(url, response)
      const refusal = Object.entries(this.behaviour.refuse ?? {}).find(([path]) =>
        url.pathname.startsWith(path),
      )
      if (refusal !== undefined) return sendProblem(response, refusal[1])
      await this.behaviour.hold
      if (url.pathname === "/v1/tail") return this.#follow(url, response)
      const answer = await this.#route(url)
      if (answer === undefined) return sendProblem(response, { status: 404, code: "HTTP_ROUTE" })
      if (Buffer.isBuffer(answer)) return void response.end(answer)
      if (typeof answer === "string") return void response.end(answer)
      const sent = this.behaviour.change?.(url.pathname, structuredClone(answer)) ?? answer
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(sent))
    } catch (error) {
      if (!isPosternError(error)) throw error
      sendProblem(response, {
        status: 400,
        code: error.code,
        hint: error.hint,
        detail: error.detail,
        ...error.slip,
      })
    }
  }

  async #route(url: URL): Promise<unknown> {
    const asked = url.searchParams
    const shown = /^\/v1\/entries\/(\d+)$/.exec(url.pathname)?.[1]
    if (shown !== undefined) return this.#show(Number(shown))
    if (url.pathname.includes("/disclosures/")) return Buffer.from(secret)
    switch (url.pathname) {
      case "/v1/status":
        return this.#status()
      case "/v1/entries":
        return this.#list(asked)
      case "/v1/search":
        return this.#search(asked)
      case "/v1/histogram":
        return this.#histogram(asked)
      case "/v1/facets":
        return this.#facets(asked)
      case "/v1/complete":
        return complete(asked)
      case "/v1/proof/consistency":
        return {
          path: await this.log.consistency(Number(asked.get("from")), Number(asked.get("to"))),
        }
      case "/v1/keys":
        return ""
      case "/v1/writers":
        return writersAnswer(this.log)
      case "/v1/port":
        return portAnswer(this.log)
      case "/v1/access":
        return accessAnswer(this.log, this.#grant())
      case "/v1/log":
        return logAnswer(this.log, await this.log.note(), vkey)
      case "/v1/alerts":
        return alertsAnswer(this.log)
      default:
        return url.pathname.startsWith("/v1/alerts/") ? { results: [] } : undefined
    }
  }

  #status() {
    const { see = "auditor", endless } = this.behaviour
    const size = endless ?? this.log.size
    return {
      origin: "evidence.example/log",
      ...{ size, lag: 0, see, reader: "spiffe://postern.local/reader/investigator-1" },
      time: formatTime(this.log.entries.at(-1)?.received ?? 0),
      checkpoint: { size },
      access: "00".repeat(32),
      mirrors: [
        {
          reader: "spiffe://postern.local/reader/mirror-a",
          size: size - 3,
          confirmed: "2026-11-23T00:00:00Z",
          connected: true,
        },
      ],
    }
  }

  #grant(): object {
    const { see = "auditor" } = this.behaviour
    return see === "investigator" ? { see, query: 'source:"app://billing"' } : { see }
  }

  #at(index: number): InventedEntry {
    const { endless } = this.behaviour
    if (endless === undefined) return this.log.entries[index] as InventedEntry
    const known = this.log.entries[5 + (index % (this.log.size - 5))] as InventedEntry
    return { ...known, index }
  }

  async #show(index: number): Promise<unknown> {
    const entry = this.log.entries[index]
    if (entry === undefined) return undefined
    const opening = this.log.entries[entry.stream] as InventedEntry
    const isOwn = opening.index === index
    return {
      size: this.log.size,
      entry: formatted(entry),
      inclusion: await this.log.inclusion(index),
      ...(isOwn
        ? {}
        : {
            opening: formatted(opening),
            openingInclusion: await this.log.inclusion(opening.index),
          }),
      checkpoint: await this.log.note(),
    }
  }

  #scope(asked: URLSearchParams): { query: Query; holds: (entry: InventedEntry) => boolean } {
    const query = parseQuery(asked.get("q") ?? "")
    const since = parseTime(asked.get("since") ?? "") ?? 0
    const until = parseTime(asked.get("until") ?? "") ?? Number.MAX_SAFE_INTEGER
    const holds = (entry: InventedEntry) =>
      entry.received >= since && entry.received < until && this.log.fits(entry, query)
    return { query, holds }
  }

  #list(asked: URLSearchParams) {
    const size = this.behaviour.endless ?? this.log.size
    const since = parseTime(asked.get("since") ?? "") ?? 0
    const until = parseTime(asked.get("until") ?? "") ?? Number.MAX_SAFE_INTEGER
    const inTime =
      this.behaviour.endless === undefined
        ? this.log.entries.filter(({ received }) => received >= since && received < until)
        : undefined
    const low = inTime === undefined ? 0 : (inTime[0]?.index ?? size)
    const high = inTime === undefined ? size : (inTime.at(-1)?.index ?? size - 1) + 1
    const from = Math.max(low, Number(asked.get("from") ?? low))
    const to = Math.max(from, Math.min(high, Number(asked.get("to") ?? high)))
    const end = Math.min(to, from + Number(asked.get("limit") ?? 100))
    const entries = Array.from({ length: end - from }, (_, i) => formatted(this.#at(from + i)))
    return { size, from, to, ...(end < to ? { next: end } : {}), entries, openings: [] }
  }

  #search(asked: URLSearchParams) {
    const { holds } = this.#scope(asked)
    const order = asked.get("order") ?? "desc"
    const limit = Number(asked.get("limit") ?? 100)
    const [size, begin] = asked.has("cursor")
      ? (asked.get("cursor") as string).split("-").map(Number)
      : [this.log.size, 0]
    const all = this.log.entries.slice(0, size)
    const ordered = order === "desc" ? all.toReversed() : all
    const found: InventedEntry[] = []
    let at = begin as number
    const most = at + (this.behaviour.examinesMax ?? Number.MAX_SAFE_INTEGER)
    while (at < ordered.length && at < most && found.length < limit) {
      const entry = ordered[at] as InventedEntry
      if (holds(entry)) found.push(entry)
      at++
    }
    const complete = at >= ordered.length
    return {
      ...{ size, order, complete, engine: "scan", indexed: 0 },
      entries: found.map(formatted),
      openings: [],
      scanned: { from: begin, to: at },
      ...(complete ? {} : { cursor: `${size}-${at}` }),
    }
  }

  #histogram(asked: URLSearchParams) {
    const { holds } = this.#scope(asked)
    const found = this.log.entries.filter(holds)
    const first = parseTime(asked.get("since") ?? "") ?? this.log.entries[0]?.received ?? 0
    const last =
      parseTime(asked.get("until") ?? "") ?? (this.log.entries.at(-1)?.received ?? first) + 1
    const interval = Math.max(1000, Math.ceil((last - first) / Number(asked.get("buckets") ?? 120)))
    const count = Math.max(1, Math.ceil((last - first) / interval))
    const buckets = Array.from({ length: count }, (_, i) => ({
      at: first + i * interval,
      counts: {} as Record<string, number>,
    }))
    for (const { received, event } of found) {
      const counts = buckets[Math.min(count - 1, Math.floor((received - first) / interval))]
        ?.counts as Record<string, number>
      const outcome = String(event.outcome)
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
    const full = buckets.filter(({ counts }) => Object.keys(counts).length > 0)
    return {
      ...counted(found.length, this.log.size),
      since: first,
      until: last,
      interval,
      buckets: full,
    }
  }

  #facets(asked: URLSearchParams) {
    const { holds } = this.#scope(asked)
    const found = this.log.entries.filter(holds)
    const facets: Record<string, { value: string; count: number }[]> = {}
    for (const field of (asked.get("fields") ?? "").split(",")) {
      const tally = new Map<string, number>()
      for (const entry of found) {
        const value = facetValue(field, entry)
        if (value !== undefined) tally.set(value, (tally.get(value) ?? 0) + 1)
      }
      const sorted = [...tally].sort((a, b) => b[1] - a[1]).slice(0, Number(asked.get("top") ?? 20))
      facets[field] = sorted.map(([value, count]) => ({ value, count }))
    }
    return { ...counted(found.length, this.log.size), facets }
  }

  #follow(url: URL, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" })
    response.write(":\n\n")
    const query = parseQuery(url.searchParams.get("q") ?? "")
    const tail = {
      response,
      query,
      next: Number(url.searchParams.get("after") ?? this.log.size - 1) + 1,
    }
    this.#tails.add(tail)
    response.on("close", () => this.#tails.delete(tail))
    this.#send(tail)
  }

  #send(tail: { response: ServerResponse; query: Query; next: number }): void {
    for (; tail.next < this.log.size; tail.next++) {
      const entry = this.log.entries[tail.next] as InventedEntry
      if (!this.log.fits(entry, tail.query)) continue
      tail.response.write(
        `event: entry\nid: ${entry.index}\ndata: ${JSON.stringify(formatted(entry))}\n\n`,
      )
    }
  }
}

function formatted({ index, leaf, event, received, writer, stream, sequence }: InventedEntry) {
  return { index, received: formatTime(received), writer, stream, sequence, leaf, event }
}

function counted(total: number, size: number) {
  return { total, examined: { from: 0, to: size }, complete: true, size, indexed: size }
}

function facetValue(field: string, { event, writer }: InventedEntry): string | undefined {
  if (field === "writer") return writer
  if (field === "actor") return (event.actor as { id: string }).id
  if (field === "target") {
    const [target] = event.targets as { type: string; id: string }[]
    return target === undefined ? undefined : `${target.type}/${target.id}`
  }
  return String(event[field])
}

function complete(asked: URLSearchParams) {
  const {
    at,
    length,
    fields,
    operators,
    valueOf: field,
    values,
  } = completeAt(asked.get("q") ?? "", Number(asked.get("at")))
  const people =
    field?.join(".") === "actor"
      ? ["alice", "bob", "carol"].map((text, i) => ({ text, count: 900 - i }))
      : []
  const items = [
    ...people,
    ...values.map((text) => ({ text })),
    ...fields.map((text) => ({ text: `${text}:` })),
    ...operators.map((text) => ({ text })),
  ]
  return { from: at, to: at + length, kind: field === undefined ? "field" : "value", items }
}

function sendFile(url: URL, response: ServerResponse): void {
  const path = url.pathname === "/" ? "index.html" : normalize(url.pathname).slice(1)
  const type = types[path.split(".").at(-1) ?? ""] ?? "application/octet-stream"
  response.writeHead(200, { "content-type": type, "content-security-policy": policy })
  response.end(readFileSync(join(files, path)))
}

function sendProblem(
  response: ServerResponse,
  problem: { status: number; code: string; hint?: string | undefined; detail?: string | undefined },
): void {
  const body = {
    type: "about:blank",
    title: problem.code.toLowerCase().replaceAll("_", " "),
    hint: "",
    ...problem,
  }
  response.writeHead(problem.status, { "content-type": "application/problem+json" })
  response.end(JSON.stringify(body))
}
