import { PosternError, parseDecimal } from "@postern/log/base"
import { type EvidenceAsk, readQuery } from "../evidence/index.ts"
import { type FilterOptions, filterOf } from "./filter-options.ts"

/** What of the log is asked for, as options say it. */
export interface AskOptions extends FilterOptions {
  readonly range?: string
  readonly stream?: string
  readonly index?: readonly string[]
  readonly query?: true
}

const shapes = "--range A-B, --stream INDEX or ID, --index LIST, or the conditions of a search"

/** Errors: USAGE unless it is exactly one question; REQUEST_INVALID for a condition that is none. */
export function askOf(options: AskOptions): EvidenceAsk {
  const fields = filterOf(options)
  const asks: EvidenceAsk[] = []
  if (options.range !== undefined) asks.push(rangeOf(options.range))
  if (options.stream !== undefined) asks.push(streamOf(options.stream))
  if (options.index !== undefined) {
    asks.push({ kind: "indexes", indexes: options.index.map(indexOf) })
  }
  if (Object.keys(fields).length > 0) {
    asks.push({ kind: "query", fields, filter: readQuery(fields) })
  } else if (options.query === true) {
    throw new PosternError("USAGE", "--query needs a condition, such as --actor alice")
  }
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
      for (const [name, value] of Object.entries(ask.fields)) query.set(name, value)
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
