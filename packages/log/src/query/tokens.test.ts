import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeUtf8 } from "../base/index.ts"
import { holdsWords, textsOf, tokensOf } from "./tokens.ts"

describe("tokensOf", () => {
  test.each([
    ["", []],
    ["Export done", ["export", "done"]],
    ["INC-4711", ["inc", "4711"]],
    ["user:00100@corp.example", ["user", "00100", "corp", "example"]],
    ["snake_case camelCase", ["snake_case", "camelcase"]],
    ["Zürich ÄÖ", ["zürich", "ÄÖ"]],
    ["日本語 text", ["日本語", "text"]],
    ["a\u00a0b", ["a\u00a0b"]],
    ["-1.5e10", ["1", "5e10"]],
    ["a\ud800b", ["a\ufffdb"]],
    ["😀-x", ["😀", "x"]],
    ["\u007f\u0000", []],
  ])("splits %j", (text, tokens) => {
    expect(tokensOf(text)).toEqual(tokens)
  })

  test("takes the runs of bytes that the specification names", () => {
    const isTokenByte = (byte: number) => byte >= 0x80 || /\w/.test(String.fromCharCode(byte))
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const runs: number[][] = [[]]
        for (const byte of encodeUtf8(text)) {
          if (!isTokenByte(byte)) runs.push([])
          else runs.at(-1)?.push(byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte)
        }
        const wanted = runs.filter((run) => run.length > 0)
        expect(tokensOf(text).map((token) => [...encodeUtf8(token)])).toEqual(wanted)
      }),
    )
  })
})

describe("textsOf", () => {
  test("gives strings decoded, keys and literals, each by itself", () => {
    const json = String.raw`{"a\u0062": [1, -2.50,true ,null,"x\"y\\",""], "k" : {"é":1e2}}`
    const texts = ["ab", "1", "-2.50", "true", "null", 'x"y\\', "", "k", "é", "1e2"]
    expect(textsOf(encodeUtf8(json))).toEqual(texts)
  })

  test("gives what JSON.parse finds, whatever the spacing", () => {
    const found = (value: unknown): string[] => {
      if (Array.isArray(value)) return value.flatMap(found)
      if (typeof value !== "object" || value === null) return [String(value)]
      return Object.entries(value).flatMap(([key, inner]) => [key, ...found(inner)])
    }
    const space = fc.constantFrom("", " ", "\t", "  ")
    fc.assert(
      fc.property(fc.jsonValue(), space, (value, indent) => {
        const again = JSON.parse(JSON.stringify(value)) as unknown
        const texts = textsOf(encodeUtf8(JSON.stringify(value, null, indent)))
        expect(texts).toEqual(found(again))
      }),
    )
  })
})

describe("holdsWords", () => {
  test.each<[string, string[], boolean, boolean]>([
    ["the export done today", ["export", "done"], false, true],
    ["export was done", ["export", "done"], false, false],
    ["done export", ["export", "done"], false, false],
    ["Export DONE", ["export", "done"], false, true],
    ["exported", ["export"], false, false],
    ["exported", ["export"], true, true],
    ["export don", ["export", "done"], true, false],
    ["export donee", ["exp", "done"], true, false],
    ["a a b", ["a", "b"], false, true],
    ["", ["a"], false, false],
  ])("%j %j %j: %j", (text, words, begun, holds) => {
    expect(holdsWords(text, words, begun)).toBe(holds)
  })
})
