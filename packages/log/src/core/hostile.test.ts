import { describe, expect, it } from "vitest"
import { bytesOf, goodEvent, scan } from "./twins.test.fixture.ts"

const good = JSON.stringify(goodEvent)
const verdictOf = (text: string): string => scan(bytesOf(text)).verdict

/** The good event with members put before its closing brace. */
const withMore = (members: string): string => `${good.slice(0, -1)},${members}}`
const inData = (value: string): string => withMore(`"data":{"x":${value}}`)
const withField = (name: string, json: string): string =>
  good.replace(
    `"${name}":${JSON.stringify(goodEvent[name as keyof typeof goodEvent])}`,
    `"${name}":${json}`,
  )

function all(verdict: string, texts: readonly string[]): void {
  for (const text of texts) expect([verdictOf(text), text]).toEqual([verdict, text])
}

describe("scan of hostile events", () => {
  it("takes exactly the numbers of JSON", () => {
    const right = [
      "0",
      "-0",
      "1",
      "10",
      "0.0",
      "-1.5",
      "1e5",
      "1E+5",
      "0e-0",
      "123456789012345678901234567890",
    ]
    const wrong = [
      "01",
      "-",
      "-a",
      "+1",
      ".5",
      "1.",
      "1.e5",
      "1e",
      "1e+",
      "0x1",
      "1_0",
      "00",
      "--1",
      "NaN",
    ]
    all("accepted", right.map(inData))
    all("syntax", [...wrong, "Infinity", "-Infinity", "1e5.5", "٣"].map(inData))
  })

  it("takes exactly the literals of JSON", () => {
    all("accepted", ["true", "false", "null"].map(inData))
    const wrong = [
      "True",
      "tru",
      "truee",
      "nul",
      "nulll",
      "fals",
      "falze",
      "undefined",
      "t",
      "f",
      "n",
      "",
    ]
    all("syntax", wrong.map(inData))
  })

  it("takes exactly the escapes of JSON", () => {
    const right = [
      '\\"',
      "\\\\",
      "\\/",
      "\\b",
      "\\f",
      "\\n",
      "\\r",
      "\\t",
      "\\u0000",
      "\\uD83D\\uDE00",
      "\\uaBcD",
    ]
    const wrong = [
      "\\",
      "\\x41",
      "\\u",
      "\\u12",
      "\\u12g4",
      "\\U0041",
      "\\'",
      "\\0",
      "\\a",
      "\\v",
      "\\u 123",
    ]
    const inText = (text: string): string => inData(`"${text}"`)
    all("accepted", right.map(inText))
    all("syntax", wrong.map(inText))
    // RFC 8259 has no rule about single surrogates, and JSON.parse takes them.
    all("accepted", ["\\ud800", "\\udc00", "\\ud800x"].map(inText))
  })

  it("refuses control characters in strings and anything but white space between tokens", () => {
    for (let byte = 0; byte < 0x20; byte++) {
      const control = String.fromCharCode(byte)
      expect(verdictOf(inData(`"a${control}b"`))).toBe("syntax")
      expect(verdictOf(inData(`${control}1`))).toBe(
        "\t\n\r".includes(control) ? "accepted" : "syntax",
      )
    }
    all("accepted", [inData('"\u007f"'), inData("  1  "), `\n\t\r ${good} \r\n`])
    const wrong = [
      "\u00a0",
      "\u2028",
      "\ufeff",
      "\u0085",
      "\v",
      "\f",
      "/**/",
      "//\n",
      "#",
      "\u0000",
    ]
    all(
      "syntax",
      wrong.flatMap((space) => [inData(`${space}1`), good + space, space + good]),
    )
  })

  it("refuses what looks like JSON and is not", () => {
    all(
      "syntax",
      [
        ...[
          "[1,]",
          "[,1]",
          "[1 2]",
          "[1,,2]",
          "{,}",
          '{"a":1,}',
          '{"a"}',
          '{"a":}',
          "{a:1}",
          "{'a':1}",
        ],
        ...[
          '{"a" 1}',
          '{"a"::1}',
          "{1:1}",
          "{null:1}",
          "[1}",
          '{"a":1]',
          "[",
          "{",
          '{"a',
          '{"a":[',
          "]",
          "}",
        ],
        ...["'a'", "a", "[1]]", '{"a":1}}', '""""', '"a""b"', "(1)", "1,", ",1", "[:]"],
      ].map(inData),
    )
    all("syntax", [
      "",
      " ",
      "null",
      "1",
      '"x"',
      "true",
      `[${good}]`,
      good + good,
      `${good},`,
      `${good}x`,
    ])
  })

  it("goes down to 32 levels, the event itself being the first", () => {
    const lists = (depth: number): string => "[".repeat(depth) + "]".repeat(depth)
    const objects = (depth: number): string => `${'{"a":'.repeat(depth)}{}${"}".repeat(depth)}`
    all("accepted", [inData(lists(30)), inData(objects(29))])
    all("depth", [inData(lists(31)), inData(objects(30)), inData("[".repeat(100_000))])
    const { position } = scan(bytesOf(inData("[".repeat(40))))
    expect(position).toBe(inData("").length - 2 + 30)
  })

  it("refuses UTF-8 that is overlong, a surrogate, too high, cut or stray, where it stands", () => {
    const wrong = [
      ...[[0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x9f, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf]],
      ...[
        [0xed, 0xa0, 0x80],
        [0xed, 0xbf, 0xbf],
        [0xf4, 0x90, 0x80, 0x80],
        [0xf5, 0x80, 0x80, 0x80],
      ],
      ...[
        [0xc3],
        [0xe2, 0x82],
        [0xf0, 0x9f, 0x98],
        [0xfe],
        [0xff],
        [0xc3, 0x28],
        [0xe2, 0x28, 0xa1],
      ],
    ]
    const right = [
      [0xc2, 0x80],
      [0xe0, 0xa0, 0x80],
      [0xed, 0x9f, 0xbf],
      [0xee, 0x80, 0x80],
      [0xf4, 0x8f, 0xbf, 0xbf],
    ]
    const marker = inData('"@"')
    const at = marker.indexOf("@")
    const place = (sequence: readonly number[]): Uint8Array =>
      Uint8Array.from([
        ...bytesOf(marker.slice(0, at)),
        ...sequence,
        ...bytesOf(marker.slice(at + 1)),
      ])
    for (const sequence of right) expect(scan(place(sequence)).verdict).toBe("accepted")
    for (const sequence of wrong) {
      expect(scan(place(sequence))).toMatchObject({ verdict: "utf8", position: at })
    }
  })

  it("refuses a top-level key that stands twice, is escaped, or is unknown", () => {
    const keys = Object.keys(goodEvent) as (keyof typeof goodEvent)[]
    all(
      "duplicateKey",
      keys.map((key) => withMore(`"${key}":${JSON.stringify(goodEvent[key])}`)),
    )
    all("duplicateKey", [withMore('"data":{},"data":{}'), withMore('"v":1,"op":"x","v":1')])
    all(
      "escapedKey",
      ['"\\u0069d":"2"', '"d\\u0061ta":{}', '"\\n":1', '"i\\d":1', '"x\\\\":1'].map((key) =>
        key.startsWith('"i\\d') ? withMore('"id\\u0000":1') : withMore(key),
      ),
    )
    const unknown = [
      "",
      "ID",
      "Id",
      "idx",
      "i",
      "__proto__",
      "constructor",
      "toString",
      "actors",
      "d\u0430ta",
      "é",
    ]
    all(
      "unknownKey",
      [
        ...unknown,
        "onBehalfOg",
        "onBehalf",
        "onBehalfOfX",
        "time ",
        " id",
        "responses",
        "x".repeat(300),
      ].map((key) => withMore(`"${key}":{}`)),
    )
    all("syntax", [withMore('"i\\d":1'), withMore('"a')])
    // Below the top level keys are the writer's affair.
    all("accepted", [inData('{"id":1,"id":2,"\\u0069d":3,"__proto__":{}}')])
  })

  it("names every required field that is missing, and nothing else", () => {
    for (const name of Object.keys(goodEvent)) {
      const { [name as keyof typeof goodEvent]: _, ...rest } = goodEvent
      const event = bytesOf(JSON.stringify(rest))
      expect(scan(event)).toMatchObject({ verdict: "missingField", position: event.length })
      // What is wrong earlier comes first.
      expect(verdictOf(`${JSON.stringify(rest)}x`)).toBe("syntax")
    }
    all("missingField", ["{}", ' { "v" : 1 } '])
  })

  it("refuses every field of another type by the first byte of its value", () => {
    const values = {
      string: '"s"',
      number: "1",
      object: "{}",
      array: "[]",
      true: "true",
      false: "false",
      null: "null",
    }
    const types: Record<string, readonly string[]> = {
      string: ["sentAt", "category", "op", "severity", "tenant"],
      object: ["reason", "origin", "request", "response", "trace", "labels", "data"],
      array: ["onBehalfOf", "changes", "subjects"],
      number: ["v"],
    }
    for (const [type, names] of Object.entries(types)) {
      for (const name of names) {
        for (const [other, value] of Object.entries(values)) {
          const text = withMore(`"${name}":${value}`)
          expect([text, verdictOf(text)]).toEqual([text, other === type ? "accepted" : "fieldType"])
        }
      }
    }
    for (const [name, value] of Object.entries(goodEvent)) {
      for (const [other, json] of Object.entries(values)) {
        const type = Array.isArray(value) ? "array" : typeof value
        if (other !== type) expect(verdictOf(withField(name, json))).toBe("fieldType")
      }
    }
    all("fieldType", [withField("id", "-x"), withField("actor", '["'), withField("id", "nope")])
    all("syntax", [withField("id", "x"), withField("id", ""), withField("id", ",")])
  })

  it("takes exactly the version 1", () => {
    all("accepted", [withMore('"v":1'), withMore('"v" : 1 ')])
    all(
      "version",
      ["0", "2", "10", "1.0", "1e0", "-1", "11", "1.5", "01"].map((v) => withMore(`"v":${v}`)),
    )
    all(
      "syntax",
      ["1.", "-", "1x"].map((v) => withMore(`"v":${v}`)),
    )
  })

  it("refuses values of the five texts outside their ranges", () => {
    const texts: Record<string, { right: readonly string[]; wrong: readonly string[] }> = {
      id: {
        right: ["x", "é", "x".repeat(128), "é".repeat(64), " "],
        wrong: ["", "x".repeat(129), "é".repeat(65), "a\\n", "\\u0041", "\\\\"],
      },
      source: { right: ["s", "s".repeat(256), "a b/ü"], wrong: ["", "s".repeat(257), "a\\/b"] },
      action: {
        right: [
          "a",
          "0",
          "a.b_c:d/e-f",
          "z".repeat(128),
          "abcdefghijklmnopqrstuvwxyz0123456789",
          "-",
          "_",
        ],
        wrong: [
          "",
          "A",
          "a b",
          "a,b",
          "a;b",
          "a@",
          "a`",
          "a{",
          "ä",
          "a".repeat(129),
          `${"a".repeat(20)}A`,
          "a\\u0062",
          "a\u007f",
          "^",
          "a+b",
        ],
      },
      outcome: {
        right: ["success", "failure", "denied", "error", "unknown"],
        wrong: [
          "",
          "Success",
          "succes",
          "successs",
          "failur",
          "deny",
          "errors",
          "unknown ",
          "ok",
          "err\\u006fr",
          "\u0000",
        ],
      },
    }
    for (const [name, { right, wrong }] of Object.entries(texts)) {
      all(
        "accepted",
        right.map((text) => withField(name, `"${text}"`)),
      )
      for (const text of wrong) {
        const verdict = text === "\u0000" ? "syntax" : "fieldValue"
        expect([text, verdictOf(withField(name, `"${text}"`))]).toEqual([text, verdict])
      }
    }
  })

  it("takes exactly the times of RFC 3339, in capitals", () => {
    const right = [
      ...[
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:00.1Z",
        "2026-11-22T12:00:00.123456789Z",
        "0000-01-01T00:00:00Z",
      ],
      ...[
        "9999-12-31T23:59:60Z",
        "2026-11-22T12:00:00+00:00",
        "2026-11-22T12:00:00.123456789-23:59",
        "2026-02-31T00:00:00Z",
      ],
    ]
    const wrong = [
      ...[
        "",
        "Z",
        "2026-11-22",
        "2026-11-22T12:00Z",
        "2026-11-22T12:00:00",
        "2026-11-22t12:00:00Z",
        "2026-11-22T12:00:00z",
      ],
      ...[
        "2026-11-22 12:00:00Z",
        "2026-00-22T12:00:00Z",
        "2026-13-22T12:00:00Z",
        "2026-11-00T12:00:00Z",
        "2026-11-32T12:00:00Z",
      ],
      ...[
        "2026-11-22T24:00:00Z",
        "2026-11-22T12:60:00Z",
        "2026-11-22T12:00:61Z",
        "2026-11-22T12:00:00.Z",
        "2026-11-22T12:00:00,1Z",
      ],
      ...[
        "2026-11-22T12:00:00.1234567890Z",
        "2026-11-22T12:00:00+24:00",
        "2026-11-22T12:00:00+01:60",
        "2026-11-22T12:00:00+0100",
      ],
      ...[
        "2026-11-22T12:00:00+01",
        "2026-11-22T12:00:00Zx",
        "2026-11-22T12:00:00+01:00x",
        "+2026-11-22T12:00:00Z",
        "2026-1-22T12:00:00Z",
      ],
      ...[
        "2026-11-22T12:00:0:Z",
        "2026-11-22T12:00:/0Z",
        "20a6-11-22T12:00:00Z",
        "2026-11-22T12-00:00Z",
        "2026-11-22T12:00:00.12a4Z",
      ],
      ...["2026-11-22T12:00:00\\u005a", "2026-11-22T12:00:00.1234567+010:00"],
    ]
    // Twice, since the core remembers the last minute it found right.
    for (let round = 0; round < 2; round++) {
      all(
        "accepted",
        right.map((time) => withField("time", `"${time}"`)),
      )
      all(
        "fieldValue",
        wrong.map((time) => withField("time", `"${time}"`)),
      )
    }
    const time = right[6] as string
    for (let at = 0; at < time.length; at++) {
      for (let byte = 0x20; byte < 0x7f; byte++) {
        const character = String.fromCharCode(byte)
        if ('"\\'.includes(character)) continue
        scan(bytesOf(withField("time", `"${time.slice(0, at)}${character}${time.slice(at + 1)}"`)))
      }
    }
  })

  it("says where the problem is, from the event's first byte", () => {
    const at = (text: string): number => scan(bytesOf(text)).position
    expect(at(good)).toBe(good.length)
    expect(at("")).toBe(0)
    expect(at("  [")).toBe(2)
    expect(at(withMore('"x":1'))).toBe(good.length)
    expect(at(withMore('"v":2'))).toBe(good.length + 4)
    expect(at(withMore('"op": 1'))).toBe(good.length + 6)
    expect(at(withMore('"data":{"a":trup}'))).toBe(good.length + '"data":{"a":tru'.length)
    expect(at(withMore('"data":{"a":"\\q"}'))).toBe(good.length + '"data":{"a":"\\'.length)
    expect(at(withMore('"data":{"a":1.x}'))).toBe(good.length + '"data":{"a":1.'.length)
    expect(at(good.slice(0, 100))).toBe(100)
    expect(at(`${good} x`)).toBe(good.length + 1)
    expect(at(withField("outcome", '"x"'))).toBe(good.indexOf('"success"'))
  })
})
