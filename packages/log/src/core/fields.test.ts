import { describe, expect, it } from "vitest"
import {
  bytesOf,
  goodEvent,
  goodText,
  inData,
  scan,
  withField,
  withMore,
} from "./twins.test.fixture.ts"

type Field = keyof typeof goodEvent
const fields = Object.keys(goodEvent) as Field[]

const verdictOf = (text: string): string => scan(bytesOf(text)).verdict
const lines = (text: string): string[] => text.trim().split(/\s*\n\s*/)

function all(verdict: string, put: (text: string) => string, texts: readonly string[]): void {
  for (const text of texts) expect([text, verdictOf(put(text))]).toEqual([text, verdict])
}

describe("the top level of an event", () => {
  it("refuses a key that stands twice, is escaped, or is unknown", () => {
    for (const name of fields) {
      all("duplicateKey", withMore, [`"${name}":${JSON.stringify(goodEvent[name])}`])
    }
    all("duplicateKey", withMore, ['"data":{},"data":{}', '"v":1,"op":"x","v":1'])
    all("escapedKey", withMore, ['"\\u0069d":"2"', '"d\\u0061ta":{}', '"\\n":1', '"x\\\\":1'])
    const unknown = ["", "ID", "Id", "idx", "i", "__proto__", "constructor", "toString", "actors"]
    const close = [
      "d\u0430ta",
      "é",
      "onBehalfOg",
      "onBehalf",
      "onBehalfOfX",
      "onBehalfOf ",
      "time ",
    ]
    const more = [" id", "responses", "x".repeat(300), "subject", "subjects2", "\u007f", "Subjects"]
    all("unknownKey", (key) => withMore(`"${key}":{}`), [...unknown, ...close, ...more])
    all("syntax", withMore, ['"i\\d":1', '"a', '"a\n":1'])
    // Below the top level keys are the writer's affair.
    all("accepted", inData, ['{"id":1,"id":2,"\\u0069d":3,"__proto__":{}}'])
  })

  it("names every required field that is missing, and nothing else", () => {
    for (const name of fields) {
      const { [name]: _, ...rest } = goodEvent
      const event = bytesOf(JSON.stringify(rest))
      expect(scan(event)).toMatchObject({ verdict: "missingField", position: event.length })
      // What is wrong earlier comes first.
      expect(verdictOf(`${JSON.stringify(rest)}x`)).toBe("syntax")
    }
    all("missingField", (text) => text, ["{}", ' { "v" : 1 } '])
  })

  const samples = {
    string: '"s"',
    number: "1",
    object: "{}",
    array: "[]",
    true: "true",
    false: "false",
    null: "null",
  }

  it.each([
    ["string", "sentAt category op severity tenant"],
    ["object", "reason origin request response trace labels data"],
    ["array", "onBehalfOf changes subjects"],
    ["number", "v"],
  ])("takes a %s only for %s", (type, names) => {
    for (const name of names.split(" ")) {
      for (const [other, json] of Object.entries(samples)) {
        const verdict = other === type ? "accepted" : "fieldType"
        all(verdict, withMore, [`"${name}":${json}`, `"${name}" : ${json} `])
      }
    }
  })

  it("judges the type of a required field by the first byte of its value", () => {
    for (const [name, value] of Object.entries(goodEvent)) {
      const type = Array.isArray(value) ? "array" : typeof value
      for (const [other, json] of Object.entries(samples)) {
        if (other !== type) expect(verdictOf(withField(name as Field, json))).toBe("fieldType")
      }
    }
    all("fieldType", (json) => withField("id", json), ["-x", "nope", "{", "0x"])
    all("syntax", (json) => withField("id", json), ["x", "", ",", "}", "é", "+1"])
  })

  it("marks an event with digests if nothing else is wrong, and keeps its spans", () => {
    all("disclosure", withMore, ['"_sd":[]', '"_sd" : ["x",1]'])
    all("fieldType", withMore, ['"_sd":"x"', '"_sd":{}', '"_sd":null'])
    all("duplicateKey", withMore, ['"_sd":[],"_sd":[]'])
    all("unknownKey", withMore, ['"_sd":[],"x":1', '"_s":[]', '"_sdx":[]', '"sd":[]'])
    all("escapedKey", withMore, ['"\\u005fsd":[]'])
    all("missingField", (text) => text, ['{"_sd":[]}'])
    all("accepted", inData, ['{"_sd":[]}'])
    expect(scan(bytesOf(withMore('"_sd":[]'))).fields).toEqual(scan(bytesOf(goodText)).fields)
  })

  it("takes exactly the version 1", () => {
    const version = (json: string): string => withMore(`"v":${json}`)
    all("accepted", withMore, ['"v":1', '"v" : 1 '])
    all("version", version, ["0", "2", "10", "1.0", "1e0", "-1", "11", "1.5", "01"])
    all("syntax", version, ["1.", "-", "1x", "-x", "1e"])
  })

  it("says where the problem is, from the event's first byte", () => {
    const at = (text: string): number => scan(bytesOf(text)).position
    expect(at(goodText)).toBe(goodText.length)
    expect(at("")).toBe(0)
    expect(at("  [")).toBe(2)
    expect(at(withMore('"x":1'))).toBe(goodText.length)
    expect(at(withMore('"v":2'))).toBe(goodText.length + 4)
    expect(at(withMore('"op": 1'))).toBe(goodText.length + 6)
    expect(at(withMore('"data":{"a":trup}'))).toBe(goodText.length + '"data":{"a":tru'.length)
    expect(at(withMore('"data":{"a":"\\q"}'))).toBe(goodText.length + '"data":{"a":"\\'.length)
    expect(at(withMore('"data":{"a":1.x}'))).toBe(goodText.length + '"data":{"a":1.'.length)
    expect(at(goodText.slice(0, 100))).toBe(100)
    expect(at(`${goodText} x`)).toBe(goodText.length + 1)
    expect(at(withField("outcome", '"x"'))).toBe(goodText.indexOf('"success"'))
  })
})

describe("the five texts of an event", () => {
  const put = (name: Field) => (text: string) => withField(name, `"${text}"`)

  it("may have the values of their ranges only", () => {
    all("accepted", put("id"), ["x", "é", "x".repeat(128), "é".repeat(64), " "])
    all("fieldValue", put("id"), ["", "x".repeat(129), "é".repeat(65), "a\\n", "\\u0041", "\\\\"])
    all("accepted", put("source"), ["s", "s".repeat(256), "a b/ü"])
    all("fieldValue", put("source"), ["", "s".repeat(257), "a\\/b"])
    all("accepted", put("outcome"), ["success", "failure", "denied", "error", "unknown"])
    const outcomes = [
      "",
      "Success",
      "succes",
      "successs",
      "failur",
      "deny",
      "errors",
      "unknown ",
      "ok",
    ]
    all("fieldValue", put("outcome"), [...outcomes, "err\\u006fr", "unknow", "\u007ferror", "é"])
    const longer = ["error", "denied", "success"].map((outcome) => outcome + "x".repeat(8))
    all("fieldValue", put("outcome"), [...longer, "errorerror", "success success", "x".repeat(64)])
    all("syntax", put("outcome"), ["\u0000", "error\n"])
  })

  it("may have only a-z 0-9 . _ : / - in an action, at any place", () => {
    const letters = "abcdefghijklmnopqrstuvwxyz0123456789._:/-"
    all("accepted", put("action"), [letters, "a", "-", "z".repeat(128)])
    all("fieldValue", put("action"), ["", "z".repeat(129), "ä", "a\\u0062"])
    for (let byte = 0x20; byte < 0x80; byte++) {
      const letter = String.fromCharCode(byte)
      if ('"\\'.includes(letter)) continue
      const verdict = letters.includes(letter) ? "accepted" : "fieldValue"
      for (const before of [0, 1, 15, 16, 40, 127])
        all(verdict, put("action"), ["a".repeat(before) + letter])
    }
  })

  const times = lines(`
    2026-11-22T12:00:00Z
    2026-11-22T12:00:00.1Z
    2026-11-22T12:00:00.123456789Z
    2026-02-31T00:00:00Z
    0000-01-01T00:00:00Z
    9999-12-31T23:59:60Z
    2026-11-22T12:00:00+00:00
    2026-11-22T12:00:00.123456789-23:59
  `)

  const noTimes = lines(`
    Z
    2026-11-22
    2026-11-22T12:00Z
    2026-11-22T12:00:00
    2026-11-22t12:00:00Z
    2026-11-22T12:00:00z
    2026-11-22 12:00:00Z
    2026-00-22T12:00:00Z
    2026-13-22T12:00:00Z
    2026-11-00T12:00:00Z
    2026-11-32T12:00:00Z
    2026-11-22T24:00:00Z
    2026-11-22T12:60:00Z
    2026-11-22T12:00:61Z
    2026-11-22T12:00:00.Z
    2026-11-22T12:00:00,1Z
    2026-11-22T12:00:00.1234567890Z
    2026-11-22T12:00:00+24:00
    2026-11-22T12:00:00+01:60
    2026-11-22T12:00:00+0100
    2026-11-22T12:00:00+01
    2026-11-22T12:00:00Zx
    2026-11-22T12:00:00+01:00x
    +2026-11-22T12:00:00Z
    2026-1-22T12:00:00Z
    2026-11-22T12:00:0:Z
    2026-11-22T12:00:/0Z
    20a6-11-22T12:00:00Z
    2026-11-22T12-00:00Z
    2026-11-22T12:00:00.12a4Z
    2026-11-22T12:00:00\\u005a
    2026-11-22T12:00:00.1234567+010:00
  `)

  it("may have only times of RFC 3339, in capitals", () => {
    // Twice, since a core may remember what it found right last.
    for (let round = 0; round < 2; round++) {
      all("accepted", put("time"), times)
      all("fieldValue", put("time"), ["", ...noTimes])
    }
    for (const time of times) {
      for (let at = 0; at < time.length; at++) {
        const [before, behind] = [time.slice(0, at), time.slice(at + 1)]
        all("fieldValue", put("time"), [`${before}x${behind}`, `${before}/${behind}`, before])
        for (const letter of "0123456789:;+-.,TZz") verdictOf(put("time")(before + letter + behind))
      }
    }
  })
})
