// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the cases are source text
import { expect, test } from "vitest"
import { blank, lineAt, listFiles, readSource } from "./source.ts"

const cases: [string, string][] = [
  ['a("b{c", 1)', 'a("   ", 1)'],
  ["x // y {\nz", "x       \nz"],
  ["x /* a\nb */ z", "x     \n     z"],
  ["a `b ${c + `d ${e}`} f` g", "a `  ${c + `  ${e}`}  ` g"],
  ["a `b ${ {c: 1}.c } f`", "a `  ${ {c: 1}.c }  `"],
  ["x = /[/{]\\/}/g.test(y)", "x = /       /g.test(y)"],
  ["x = a / b / c", "x = a / b / c"],
  ["return /{/.test(s) // }", "return / /.test(s)     "],
  ["'it\\'s {' + d", "'       ' + d"],
  ["`${a}` // {", "`${a}`     "],
]

test.each(cases)("literals and comments of %j are blanked", (text, expected) => {
  expect(blank(text)).toBe(expected)
})

test("blanking keeps length, line ends and the balance of braces in every file of ours", () => {
  for (const path of [...listFiles("packages"), ...listFiles("tools")]) {
    if (!path.endsWith(".ts")) continue
    const text = readSource(path)
    const code = blank(text)
    expect(code.length, path).toBe(text.length)
    expect(code.split("\n").length, path).toBe(text.split("\n").length)
    for (const [open, close] of ["{}", "()", "[]"]) {
      expect(code.split(open as string).length, `${path} ${open}`).toBe(
        code.split(close as string).length,
      )
    }
  }
})

test("lines are counted from one", () => {
  expect(lineAt("a\nb\nc", 0)).toBe(1)
  expect(lineAt("a\nb\nc", 2)).toBe(2)
  expect(lineAt("a\nb\nc", 4)).toBe(3)
})
