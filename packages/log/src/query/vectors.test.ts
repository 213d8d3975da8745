/** docs/spec/vectors/query.json, written by hand from docs/spec/query.md. */
import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { encodeUtf8, isPosternError } from "../base/index.ts"
import { parseEntry } from "../event/index.ts"
import { formatQuery } from "./format-query.ts"
import { matches } from "./matches.ts"
import { mayMatch } from "./may-match.ts"
import { parseQuery } from "./parse-query.ts"
import { tokensOf } from "./tokens.ts"

interface QueryVectors {
  entries: { index: number; writer: string | null; leaf: string }[]
  queries: {
    text: string
    matches?: number[]
    at?: number
    length?: number
    suggestion?: string
  }[]
  tokens: [string, string[]][]
}

const vectors: QueryVectors = JSON.parse(
  readFileSync(new URL("../../../../docs/spec/vectors/query.json", import.meta.url), "utf8"),
)

const slipOf = (text: string) => {
  try {
    parseQuery(text)
    return undefined
  } catch (error) {
    if (isPosternError(error) && error.code === "QUERY_INVALID") return error.slip
    throw error
  }
}

describe("the vectors of the query language", () => {
  const good = vectors.queries.filter(({ matches: indexes }) => indexes !== undefined)
  const bad = vectors.queries.filter(({ matches: indexes }) => indexes === undefined)

  test.each(good)("$text", ({ text, matches: indexes }) => {
    for (const query of [parseQuery(text), parseQuery(formatQuery(parseQuery(text)))]) {
      const found = vectors.entries.filter(({ index, writer, leaf }) => {
        const bytes = encodeUtf8(leaf)
        const place = { index, writer: writer ?? undefined }
        const verdict = matches(query, parseEntry(bytes), place)
        if (verdict) expect(mayMatch(query, bytes)).toBe(true)
        return verdict
      })
      expect(found.map(({ index }) => index)).toEqual(indexes)
    }
  })

  test.each(bad)("refuses $text", ({ text, at, length, suggestion }) => {
    const wanted = { at, length, ...(suggestion === undefined ? {} : { suggestion }) }
    expect(slipOf(text)).toEqual(wanted)
  })

  test.each(vectors.tokens)("tokens of %s", (text, tokens) => {
    expect(tokensOf(text)).toEqual(tokens)
  })
})
