import { errorRegistry, PosternError } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { describeFailure, formatFailure } from "./failure.ts"
import { wantsColor } from "./io.ts"
import { collectList, wholeNumber } from "./options.ts"
import { printable } from "./printable.ts"
import { formatTable } from "./table.ts"

describe("what is printed", () => {
  test("nothing from outside can move the cursor, break the line or turn the text", () => {
    expect(printable("a\u001b[31mb\r\nc\u0000\u009b\u202e\u2028\ud800\u200bé😀")).toBe(
      "a\\u{1b}[31mb\\u{d}\\u{a}c\\u{0}\\u{9b}\\u{202e}\\u{2028}\\u{d800}\\u{200b}é😀",
    )
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        expect(printable(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/)
      }),
    )
  })

  test("an error is two lines, whatever is in it", () => {
    const error = new PosternError("NOT_FOUND", "line one\nline two\u001b[2J")
    const text = formatFailure(describeFailure(error))
    expect(text.split("\n")).toEqual([
      "postern: error: there is no such thing in the log: line one\\u{a}line two\\u{1b}[2J (NOT_FOUND)",
      `postern: hint: ${errorRegistry.NOT_FOUND.hint}`,
      "",
    ])
    for (const other of [new TypeError("x is\nnot a function"), "a\nstring", undefined]) {
      const failure = describeFailure(other)
      expect(failure.exitCode).toBe(1)
      expect(failure.message).toMatch(/^internal: /)
      expect(formatFailure(failure).split("\n")).toHaveLength(3)
    }
  })

  test("a table is aligned by characters and has no space at line ends", () => {
    const text = formatTable(
      ["id", "what"],
      [
        ["a", "é\n"],
        ["longer", ""],
      ],
    )
    expect(text).toBe("ID      WHAT\na       é\\u{a}\nlonger")
    expect(formatTable(["id"], [], { color: true })).toBe("\u001b[1mID\u001b[0m")
  })

  test.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ TERM: "dumb" }, true, false],
  ])("with %j on a terminal (%s) colour is %s", (env, terminal, expected) => {
    expect(wantsColor(env, terminal)).toBe(expected)
  })

  test("lists and numbers on the command line are taken strictly", () => {
    expect(collectList("a, b", ["c"])).toEqual(["c", "a", "b"])
    for (const text of ["", ",", "a,", "a,,b"]) {
      expect(() => collectList(text, undefined)).toThrow(PosternError)
    }
    const port = wholeNumber("--port", 1, 65_535)
    expect(port("17514")).toBe(17_514)
    for (const text of ["", "0", "65536", "1.5", "-1", "1e3", "0x10", " 1", "١"]) {
      expect(() => port(text)).toThrow("--port must be a whole number from 1 to 65535")
    }
  })
})
