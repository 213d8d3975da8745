import { decodeUtf8 } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { readEventText } from "./index.ts"

const rest = `"id":"1","time":"2026-01-01T00:00:00Z", "source":"app://a","action":"b","outcome":"success","data":{"n":1.0}}`
const bytesOf = (text: string) => decodeUtf8(readEventText(text).bytes)

describe("an event that is tried", () => {
  test("keeps its bytes as they are", () => {
    expect(bytesOf(` {${rest}\n`)).toBe(`{${rest}`)
  })

  test("is without what a policy said of it, and otherwise as it was", () => {
    const mark = `"_policy":{"digest":"0123","rule":"a","did":["hmac /data/ä\\"b"]},`
    expect(bytesOf(`{${mark}${rest}`)).toBe(`{${rest}`)
    const spaced = readEventText(`{ "_policy" : {}, ${rest}`)
    expect(Object.keys(spaced.members)).not.toContain("_policy")
    expect(decodeUtf8(spaced.bytes)).not.toContain("_policy")
  })

  test("gets an id and a time if it has none, and says what it says", () => {
    const event = readEventText(
      `{"source":"app://a","action":"b","outcome":"success","tenant":"t","op":5,"actor":{"type":"user","id":7},"targets":[{"type":"x","id":"y"},4]}`,
    )
    expect(event.members).toMatchObject({ id: expect.any(String), time: expect.any(String) })
    expect([event.text("tenant"), event.text("op"), event.text("severity")]).toEqual([
      ...["t", undefined, undefined],
    ])
    expect(event.actor()).toEqual({ type: "user", id: undefined })
    expect(event.targets()).toEqual([{ type: "x", id: "y" }])
    expect(event.size).toBe(event.bytes.length)
  })

  test.each([["[]"], ["null"], ["{"], ['"a"']])("is a JSON object: %s", (text) => {
    expect(() => readEventText(text)).toThrowError(
      expect.objectContaining({ code: "EVENT_SYNTAX" }),
    )
  })
})
