import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { bodiesOf } from "./functions.ts"
import { blank, house, listFiles, readSource } from "./source.ts"
import {
  exceptionFor,
  exceptions,
  type Fault,
  faultsOf,
  folders,
  limits,
  promisingNames,
} from "./tidy.ts"

const isSource = (path: string): boolean => /\.(?:ts|tsx|js|cjs|mjs)$/.test(path)
const sources = folders
  .filter((folder) => existsSync(join(house, folder)))
  .flatMap((folder) => listFiles(folder))
  .filter(isSource)
const pages = [
  ...readdirSync(house).filter((name) => name.endsWith(".md")),
  ...listFiles("docs").filter((path) => path.endsWith(".md")),
]

describe("the house", () => {
  const promising = new Set(sources.flatMap((path) => promisingNames(readSource(path))))
  const faults = sources.flatMap((path) => faultsOf(path, readSource(path), promising))

  test("is tidy", () => {
    const open = faults.filter((fault) => exceptionFor(fault) === undefined)
    expect(open.map((fault) => `${fault.path}:${fault.line}: ${fault.what}`)).toEqual([])
  })

  test("has no exception that nothing needs", () => {
    const needed = new Set(faults.map((fault) => exceptionFor(fault)))
    expect(exceptions.filter((exception) => !needed.has(exception))).toEqual([])
  })

  test("calls itself tamper-evident in its documents, nothing more", () => {
    const found = pages.filter((path) => /\btamper[- ]?proof\b/i.test(readSource(path)))
    expect(found).toEqual([])
  })
})

const rulesOf = (path: string, text: string): string[] => {
  return faultsOf(path, text, new Set(["openNote"])).map((fault: Fault) => fault.rule)
}

describe("the rules", () => {
  const bad: [string, string, string][] = [
    ["todo", "a.ts", "// TODO: later"],
    ["todo", "a.ts", "/* FIXME */"],
    ["ts-ignore", "a.ts", "// @ts-ignore"],
    ["any", "a.ts", "const a = b as any"],
    ["only", "a.test.ts", 'test.only("x", f)'],
    ["skip", "a.test.ts", 'test.skip("x", f)'],
    ["skip", "a.test.ts", 'describe.todo("x")'],
    ["skip", "a.test.ts", "context.skip()"],
    ["sleep", "a.test.ts", "await new Promise((resolve) => setTimeout(resolve, 10))"],
    ["sleep", "a.test.ts", "await sleep(10)"],
    ["sleep", "test/crash/a.ts", 'import { setTimeout } from "node:timers/promises"'],
    ["words", "a.ts", "// This is tamper-proof."],
    ["catch", "a.ts", "try {\n  f()\n} catch {\n}"],
    ["catch", "a.ts", "try { f() } catch (error) { /**/ }"],
    ["catch", "a.ts", "f().catch(() => {})"],
    ["name", "packages/log/src/utils/a.ts", "f()"],
    ["name", "packages/log/src/base/text-helpers.ts", "f()"],
    ["floating", "a.ts", 'import { rm } from "node:fs/promises"\n  rm("x")\n'],
    ["floating", "a.ts", 'import { a, b as c } from "node:stream/promises"\nc("x")\n'],
    ["floating", "a.ts", 'import { openNote } from "@postern/log/tlog"\nopenNote("", [])\n'],
    ["file-lines", "a.ts", "f()\n".repeat(401)],
    ["file-lines", "a.test.ts", "f()\n".repeat(501)],
    ["function-lines", "a.ts", `function f() {\n${"  g()\n".repeat(59)}}\n`],
  ]
  test.each(bad)("%s is found in %s: %j", (rule, path, text) => {
    expect(rulesOf(path, text)).toEqual([rule])
  })

  const good: [string, string][] = [
    ["a.ts", 'mkdtempSync("/tmp/a-XXXXXX")'],
    ["a.ts", "try { f() } catch { return undefined }"],
    ["a.ts", "try {\n  f()\n} catch {\n  // It was gone already, which is what we want.\n}"],
    ["a.ts", "setTimeout(resolve, 10)"],
    ["a.test.ts", 'context.skip("no Go here")'],
    ["a.test.ts", 'test.skipIf(noGo)("Go agrees", f)'],
    ["a.test.ts", 'setTimeout(() => reject(new Error("late")), 1000)'],
    ["a.ts", 'import { rm } from "node:fs/promises"\nawait rm("x")\nreturn (\n  rm("y")\n)\n'],
    ["a.ts", 'import { nodeHash } from "@postern/log/tlog"\nnodeHash(a, b)\n'],
    ["a.ts", "f()\n".repeat(400)],
    ["a.test.ts", `describe("x", () => {\n${"  g()\n".repeat(99)}})\n`],
    ["a.ts", `function f() {\n  const g = () => {\n${"    h()\n".repeat(57)}  }\n  g()\n}\n`],
    ["a.ts", `function f() {\n${"  g()\n".repeat(58)}}\n`],
  ]
  test.each(good)("nothing is found in %s: %j", (path, text) => {
    expect(rulesOf(path, text)).toEqual([])
  })

  test("functions that promise are known by their declaration", () => {
    const text = [
      "export async function a() {}",
      "export function b(\n  c: string,\n): Promise<void> {}",
      "export function d(): void {}",
      "async function e() {}",
      "// export async function f() {}",
    ].join("\n")
    expect(promisingNames(text)).toEqual(["a", "b"])
  })

  test("an exception covers no more lines than it names", () => {
    const [path, rule] = ["tools/tidy.ts", "todo"]
    expect(exceptionFor({ path, rule, line: 1, what: "x" })?.reason).toBe("names what it bans")
    expect(exceptionFor({ path, rule: "catch", line: 1, what: "x" })).toBeUndefined()
    expect(limits.functionLines).toBe(60)
  })
})

describe("bodies", () => {
  const bodies: [string, number][] = [
    ["function f(a: number): void {\n}", 1],
    ["const f = (a) => {\n}", 1],
    ["class A {\n  m(): Map<string, { a: number }> {\n  }\n  get x() {\n  }\n}", 2],
    ["async function* f<T>(): AsyncGenerator<{ a: T }, void> {\n}", 1],
    ["function f(x: unknown): asserts x is { a: number } {\n}", 1],
    ["if (a) {\n} else {\n}", 0],
    ["for await (const a of b()) {\n}", 0],
    ["const a = { b: 1 }\ntry {\n} catch (e) {\n}", 0],
    ["interface A {\n  f(): void\n}\nclass B extends C<D> {\n}", 0],
    ["switch (a) {\n  case 1: {\n  }\n}", 0],
    ["while (a()) {\n}\ndo {\n} while (b())", 0],
  ]
  test.each(bodies)("of %j", (text, count) => {
    expect(bodiesOf(blank(text))).toHaveLength(count)
  })

  test("are counted from brace to brace, without what stands in bodies inside", () => {
    const [outer, inner] = bodiesOf(blank("function f() {\n  g(() => {\n    h()\n  })\n}\n"))
    expect(outer).toEqual({ line: 1, lines: 4, head: "function f() {" })
    expect(inner).toEqual({ line: 2, lines: 3, head: "g(() => {" })
  })
})
