/**
 * The rules of tidiness that neither the compiler nor Biome knows, as data, with every exception and its
 * reason beside it. tidy.test.ts holds all source against them.
 */
import { bodiesOf } from "./functions.ts"
import { blank, isTest, lineAt } from "./source.ts"

/** Where source stands. Generated files and dependencies are never looked at. */
export const folders = ["packages", "tools", "test", "bench", "examples"] as const

export const limits = { functionLines: 60, fileLines: 400, testFileLines: 500 } as const

const bannedNames = new Set([
  "util",
  "utils",
  "helper",
  "helpers",
  "common",
  "types",
  "manager",
  "service",
  "misc",
  "shared",
])

interface BannedText {
  readonly rule: string
  readonly pattern: RegExp
  /** Look at the text with comments and literals; else only at code. */
  readonly whole?: true
  readonly testsOnly?: true
}

const bannedText: readonly BannedText[] = [
  { rule: "todo", pattern: /\b(?:TODO|FIXME|XXX)\b/g, whole: true },
  { rule: "ts-ignore", pattern: /@ts-(?:ignore|nocheck)\b/g, whole: true },
  { rule: "any", pattern: /\bas any\b/g },
  { rule: "only", pattern: /\.only\s*\(/g },
  {
    rule: "skip",
    pattern: /\b(?:it|test|describe)\.(?:skip|todo)\b|\.skip\s*\(\s*\)/g,
    testsOnly: true,
  },
  {
    rule: "sleep",
    pattern: /\bsetTimeout\s*\(\s*(?:\(\)\s*=>\s*)?(?:resolve|done|ok|next|wake)\b|\bsleep\s*\(/g,
    testsOnly: true,
  },
  { rule: "sleep", pattern: /from "node:timers\/promises"/g, whole: true, testsOnly: true },
  { rule: "words", pattern: /\btamper[- ]?proof\b/gi, whole: true },
]

export interface Exception {
  readonly path: string
  readonly rule: string
  readonly reason: string
  /** For the rules of size: what this file may have instead. */
  readonly lines?: number
}

/** Each one must be needed; one that is not fails the test. */
export const exceptions: readonly Exception[] = [
  {
    path: "test/support/waiting.ts",
    rule: "sleep",
    reason: "the one place where tests wait: until() asks for a state, pause() keeps a pace",
  },
  { path: "tools/tidy.ts", rule: "todo", reason: "names what it bans" },
  {
    path: "packages/log/src/core/assembly/sha256.ts",
    rule: "function-lines",
    reason:
      "the unrolled rounds of SHA-256: vectors stay in registers only as locals of one function",
    lines: 240,
  },
  {
    path: "packages/log/src/core/assembly/walk.ts",
    rule: "function-lines",
    reason: "the scanner's loop: its state is a dozen locals that calls would spill to memory",
    lines: 220,
  },
  { path: "tools/tidy.test.ts", rule: "words", reason: "shows that the ban works" },
  { path: "tools/tidy.test.ts", rule: "todo", reason: "shows that the ban works" },
  { path: "tools/tidy.test.ts", rule: "ts-ignore", reason: "shows that the ban works" },
  { path: "tools/tidy.test.ts", rule: "sleep", reason: "shows that the ban works" },
]

export interface Fault {
  readonly path: string
  readonly line: number
  readonly rule: string
  readonly what: string
}

/**
 * Everything untidy about one file, exceptions not yet considered. `promising` holds the names of functions of our
 * packages that return a promise.
 */
export function faultsOf(
  path: string,
  text: string,
  promising: ReadonlySet<string> = new Set(),
): Fault[] {
  const code = blank(text)
  const fault = (line: number, rule: string, what: string): Fault => ({ path, line, rule, what })
  const faults = nameFaults(path).map((what) => fault(1, "name", what))

  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0)
  const most = isTest(path) ? limits.testFileLines : limits.fileLines
  if (lines > most) faults.push(fault(1, "file-lines", `${lines} lines, at most ${most}`))

  for (const body of bodiesOf(code)) {
    const isSuite = isTest(path) && /^describe\b/.test(body.head)
    if (body.lines <= limits.functionLines || isSuite) continue
    const what = `a function of ${body.lines} lines, at most ${limits.functionLines}`
    faults.push(fault(body.line, "function-lines", what))
  }
  for (const banned of bannedText) {
    if (banned.testsOnly && !isTest(path)) continue
    const searched = banned.whole ? text : code
    for (const match of searched.matchAll(banned.pattern)) {
      faults.push(fault(lineAt(text, match.index), banned.rule, `"${match[0]}" is banned`))
    }
  }
  return [...faults, ...emptyCatches(path, text, code), ...floatingCalls(path, text, promising)]
}

function nameFaults(path: string): string[] {
  return path.split("/").flatMap((step) => {
    const words = step.replace(/\.[^.]*$/, "").split(/[-.]/)
    const banned = words.filter((word) => bannedNames.has(word))
    return banned.map((word) => `the name ${step} says nothing: "${word}" is banned`)
  })
}

/** A catch must do something, or say in a comment why there is nothing to do. */
function emptyCatches(path: string, text: string, code: string): Fault[] {
  const pattern = /\bcatch\b\s*(?:\([^)]*\))?\s*\{\s*\}|\.catch\(\s*\([^)]*\)\s*=>\s*\{\s*\}\s*\)/g
  return [...code.matchAll(pattern)].flatMap((match) => {
    const inside = text.slice(match.index, match.index + match[0].length)
    if (/\/[/*]\s*\w+ \w+/.test(inside)) return []
    return [{ path, line: lineAt(text, match.index), rule: "catch", what: "an empty catch" }]
  })
}

/** Names of the functions that a file exports and that return a promise. */
export function promisingNames(text: string): string[] {
  const pattern = /^export (?:async function (\w+)|function (\w+)[^{}]*?\):\s*Promise<)/gm
  return [...blank(text).matchAll(pattern)].map((match) => (match[1] ?? match[2]) as string)
}

/**
 * Biome's noFloatingPromises follows functions within a package but knows neither Node's nor those of our other
 * packages: a statement that calls one of them and drops the promise that comes back. Methods are not followed.
 */
function floatingCalls(path: string, text: string, promising: ReadonlySet<string>): Fault[] {
  const code = blank(text)
  const source = /import\s*\{([^}]*)\}\s*from\s*"(node:[a-z]+\/promises|@postern\/[\w/]+)"/g
  const names = [...text.matchAll(source)].flatMap((match) => {
    const listed = (match[1] as string).split(",").map((name) => name.trim().split(/\s+as\s+/))
    const known = match[2]?.startsWith("node:") ? undefined : promising
    return listed.filter(
      ([name]) => known?.has(name as string) ?? !/^(?:$|type )/.test(name as string),
    )
  })
  return names.flatMap((name) => {
    const local = name.at(-1) as string
    const calls = code.matchAll(new RegExp(`^[ \\t]*${local.replace("$", "\\$")}\\s*\\(`, "gm"))
    return [...calls].flatMap((match) => {
      if (!startsStatement(code, match.index)) return []
      const what = `the promise of ${local}() is dropped`
      return [{ path, line: lineAt(text, match.index + 1), rule: "floating", what }]
    })
  })
}

/** False where the line goes on an expression that the line before has begun. */
function startsStatement(code: string, at: number): boolean {
  const before = code.slice(0, at).trimEnd()
  return before === "" || !/[([,=?:&|+>]$|\b(?:await|return|void|of|in)$/.test(before)
}

/** The exception that covers a fault, if there is one. */
export function exceptionFor(fault: Fault): Exception | undefined {
  return exceptions.find((exception) => {
    if (exception.path !== fault.path || exception.rule !== fault.rule) return false
    return exception.lines === undefined || linesOf(fault) <= exception.lines
  })
}

function linesOf(fault: Fault): number {
  return Number(/(\d+) lines/.exec(fault.what)?.[1] ?? 0)
}
