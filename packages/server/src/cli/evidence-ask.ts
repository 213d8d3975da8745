import { PosternError, parseDecimal } from "@postern/log/base"
import { askQuery, type EvidenceAsk } from "../evidence/index.ts"
import { type FilterOptions, queryOf, timesOf } from "./filter-options.ts"

/** What of the log is asked for, as options say it. */
export interface AskOptions extends FilterOptions {
  readonly range?: string
  readonly stream?: string
  readonly index?: readonly string[]
  readonly query?: string
}

const shapes =
  "--range A-B, --stream INDEX or ID, --index LIST, or a search: --query, --actor and the like"

/** Errors: USAGE unless it is exactly one question; QUERY_INVALID, REQUEST_INVALID for a search that is none. */
export function askOf(options: AskOptions): EvidenceAsk {
  const asks: EvidenceAsk[] = []
  if (options.range !== undefined) asks.push(rangeOf(options.range))
  if (options.stream !== undefined) asks.push(streamOf(options.stream))
  if (options.index !== undefined) {
    asks.push({ kind: "indexes", indexes: options.index.map(indexOf) })
  }
  const query = queryOf(options.query, options)
  const times = timesOf(options)
  if (query !== "" || Object.keys(times).length > 0) asks.push(askQuery({ query, ...times }))
  const [ask, ...more] = asks
  if (ask === undefined) throw new PosternError("USAGE", `say what to prove: ${shapes}`)
  if (more.length > 0) throw new PosternError("USAGE", `one at a time: ${shapes}`)
  return ask
}

/** The question as the read port takes it. */
export function pathOf(ask: EvidenceAsk, disclosed: boolean): string {
  const query = new URLSearchParams()
  switch (ask.kind) {
    case "range":
      query.set("first", String(ask.first))
      query.set("count", String(ask.count))
      break
    case "stream":
      query.set(typeof ask.stream === "number" ? "open" : "stream", String(ask.stream))
      break
    case "indexes":
      query.set("index", ask.indexes.join(","))
      break
    case "query":
      for (const [name, value] of Object.entries(ask.asked)) {
        if (value !== undefined) query.set(name === "query" ? "q" : name, value)
      }
  }
  if (disclosed) query.set("disclosed", "true")
  return `/v1/evidence?${query}`
}

/** Half-open: 10-20 are ten entries. */
function rangeOf(text: string): EvidenceAsk {
  const [a = "", b = "", ...more] = text.split("-")
  const [first, end] = [parseDecimal(a), parseDecimal(b)]
  if (first !== undefined && end !== undefined && first < end && more.length === 0) {
    return { kind: "range", first, count: end - first }
  }
  throw new PosternError("USAGE", `--range ${text}: it is A-B with A below B, and B is not in it`)
}

function streamOf(text: string): EvidenceAsk {
  if (/^[0-9a-f]{32}$/.test(text)) return { kind: "stream", stream: text }
  const stream = parseDecimal(text)
  if (stream !== undefined) return { kind: "stream", stream }
  const what = "neither the index of an opening entry nor an id of 32 hexadecimal digits"
  throw new PosternError("USAGE", `--stream ${text}: ${what}`)
}

function indexOf(text: string): number {
  const index = parseDecimal(text)
  if (index !== undefined) return index
  throw new PosternError("USAGE", `--index: ${text} is not an index`)
}
