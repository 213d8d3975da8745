import { describe, expect, it } from "vitest"
import { bytesOf, goodText, inData, scan } from "./twins.test.fixture.ts"

const verdictOf = (text: string): string => scan(bytesOf(text)).verdict
const inText = (text: string): string => inData(`"${text}"`)
const whole = (text: string): string => text

function all(verdict: string, put: (text: string) => string, texts: readonly string[]): void {
  for (const text of texts) expect([text, verdictOf(put(text))]).toEqual([text, verdict])
}

const words = (text: string): string[] => text.split(" ").filter((word) => word !== "")

describe("scan of hostile events", () => {
  it("takes exactly the numbers of JSON", () => {
    all(
      "accepted",
      inData,
      words("0 -0 1 10 0.0 -1.5 1e5 1E+5 0e-0 123456789012345678901234567890"),
    )
    all("syntax", inData, words("01 - -a +1 .5 1. 1.e5 1e 1e+ 0x1 1_0 00 --1 NaN 1e5.5 ٣"))
    all("syntax", inData, words("Infinity -Infinity 1n 1f 0b1 0. -.1 1e-"))
  })

  it("takes exactly the literals of JSON", () => {
    all("accepted", inData, words("true false null"))
    all("syntax", inData, words("True tru truee nul nulll fals falze undefined t f n"))
    all("syntax", inData, [""])
  })

  it("takes exactly the escapes of JSON", () => {
    all(
      "accepted",
      inText,
      words('\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 \\uD83D\\uDE00 \\uaBcD'),
    )
    all("syntax", inText, words("\\ \\x41 \\u \\u12 \\u12g4 \\U0041 \\' \\0 \\a \\v"))
    all("syntax", inText, ["\\u 123", "\\ n"])
    // RFC 8259 has no rule about single surrogates, and JSON.parse takes them.
    all("accepted", inText, words("\\ud800 \\udc00 \\ud800x"))
  })

  it("refuses control characters in strings and anything but white space between tokens", () => {
    for (let byte = 0; byte < 0x20; byte++) {
      const control = String.fromCharCode(byte)
      const isSpace = "\t\n\r".includes(control)
      expect(verdictOf(inText(`a${control}b`))).toBe("syntax")
      expect(verdictOf(inData(`${control}1`))).toBe(isSpace ? "accepted" : "syntax")
    }
    all("accepted", whole, [inText("\u007f"), inData("  1  "), `\n\t\r ${goodText} \r\n`])
    const wrong = ["\u00a0", "\u2028", "\ufeff", "\u0085", "\v", "\f", "/**/", "//\n", "#", "\0"]
    for (const space of wrong) {
      all("syntax", whole, [inData(`${space}1`), goodText + space, space + goodText])
    }
  })

  it("refuses what looks like JSON and is not", () => {
    all(
      "syntax",
      inData,
      words('[1,] [,1] [1,,2] {,} {"a":1,} {"a"} {"a":} {a:1} [1} {"a":1] [ { ] }'),
    )
    all(
      "syntax",
      inData,
      words(`{'a':1} {"a"::1} {1:1} {null:1} {"a {"a":[ 'a' a [1]] {"a":1}} """"`),
    )
    all("syntax", inData, ['"a""b"', "(1)", "1,", ",1", "[:]", "[1 2]", '{"a" 1}', '{"a":1 "b":2}'])
    all("syntax", whole, ["", " ", "null", "1", '"x"', "true", "[]", `[${goodText}]`])
    all("syntax", whole, [goodText + goodText, `${goodText},`, `${goodText}x`, `${goodText}}`])
  })

  it("goes down to 32 levels, the event itself being the first", () => {
    const lists = (depth: number): string => "[".repeat(depth) + "]".repeat(depth)
    const objects = (depth: number): string => `${'{"a":'.repeat(depth)}{}${"}".repeat(depth)}`
    all("accepted", inData, [lists(30), objects(29)])
    all("depth", inData, [lists(31), objects(30), "[".repeat(100_000)])
    const { position } = scan(bytesOf(inData("[".repeat(40))))
    expect(position).toBe(inData("").length - 2 + 30)
  })

  it("refuses UTF-8 that is overlong, a surrogate, too high, cut or stray, where it stands", () => {
    const right = words("c280 e0a080 ed9fbf ee8080 efbfbf f0908080 f48fbfbf")
    const wrong = words("80 bf c080 c1bf e09fbf f08fbfbf eda080 edbfbf f4908080 f5808080 f7bfbfbf")
    const stray = words("c3 e282 f09f98 fe ff c328 e228a1 e28228 f09f9828 f8808080 c3c3a9 e2e282ac")
    const [before = "", behind = ""] = inText("é@")
      .split("@")
      .map((part) => part.replace("é", ""))
    const place = (hex: string): Uint8Array =>
      new Uint8Array(Buffer.concat([bytesOf(before), Buffer.from(hex, "hex"), bytesOf(behind)]))
    for (const hex of right) expect([hex, scan(place(hex)).verdict]).toEqual([hex, "accepted"])
    for (const hex of [...wrong, ...stray]) {
      expect(scan(place(hex)), hex).toMatchObject({ verdict: "utf8", position: before.length })
    }
  })
})
