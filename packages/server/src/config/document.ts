import { PosternError } from "@postern/log/base"
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml"
import type { ZodError, ZodType } from "zod"

type Path = readonly PropertyKey[]
type Issue = ZodError["issues"][number]

export interface ReadDocument<T> {
  readonly value: T
  /** Line (from 1) of the value at this path, or of the nearest one above it that exists. */
  lineOf(path: Path): number
}

export interface DocumentKind {
  /** What an error of this document is called. */
  readonly code:
    | "CONFIG_INVALID"
    | "ACCESS_INVALID"
    | "ALERTS_INVALID"
    | "MAPPING_INVALID"
    | "POLICY_INVALID"
  /**
   * Longest text that is looked at, in UTF-16 units; the text may come from whoever can write the
   * file.
   */
  readonly textMax: number
  /** Stands before the line in errors, e.g. the file. */
  readonly where?: string
}

/**
 * YAML 1.2 (core schema: no dates, no merge keys, no aliases, one document, no key twice) to a
 * value the schema accepts. Errors: the kind's code, `line N: field: what is wrong` for the first
 * thing that is wrong.
 */
export function readDocument<T>(
  text: string,
  schema: ZodType<T>,
  kind: DocumentKind,
): ReadDocument<T> {
  const fail = (line: number, message: string) =>
    new PosternError(kind.code, `${kind.where ? `${kind.where} ` : ""}line ${line}: ${message}`)
  if (text.length > kind.textMax) throw fail(1, `longer than ${kind.textMax} characters`)
  const lines = new LineCounter()
  const document = parseYaml(text, lines, fail)
  const raw = plainValue(document, lines, fail)
  const lineOf = (path: Path) => lineAt(document, lines, path)
  const result = schema.safeParse(raw)
  if (result.success) return { value: result.data, lineOf }
  const found = result.error.issues
    .map((issue) => ({
      rank: rankOf(issue, raw),
      line: issueLine(document, lines, issue),
      text: describe(issue, raw),
    }))
    .sort((a, b) => a.rank - b.rank || a.line - b.line)[0]
  throw fail(found?.line ?? 1, found?.text ?? "not acceptable")
}

type Fail = (line: number, message: string) => PosternError

function parseYaml(text: string, lines: LineCounter, fail: Fail): Document.Parsed {
  const document = withinStack(fail, () =>
    parseDocument(text, {
      schema: "core",
      merge: false,
      lineCounter: lines,
      prettyErrors: false,
      // Otherwise the second of two equal keys would silently win.
      uniqueKeys: true,
    }),
  )
  const wrong = document.errors[0] ?? document.warnings[0]
  if (wrong !== undefined) {
    throw fail(Math.max(1, lines.linePos(wrong.pos[0]).line), wrong.message.split("\n")[0] ?? "")
  }
  return document
}

function plainValue(document: Document.Parsed, lines: LineCounter, fail: Fail): unknown {
  return withinStack(fail, () => {
    visit(document, {
      Alias: (_key, node) => {
        throw fail(lines.linePos(node.range?.[0] ?? 0).line, "aliases (*name) are not taken here")
      },
    })
    return document.toJS()
  })
}

/**
 * The YAML library recurses; a text nested deeper than its stack is refused like any other bad
 * text.
 */
function withinStack<T>(fail: Fail, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) throw fail(1, "nested too deeply")
    throw error
  }
}

/** `identities[3].grant.see` */
export function formatPath(path: Path): string {
  let text = ""
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`
    else text += text === "" ? String(key) : `.${String(key)}`
  }
  return text === "" ? "the document" : text
}

/**
 * A misspelled key is two issues, one unknown and one missing: what is there is corrected first.
 */
function rankOf(issue: Issue, raw: unknown): number {
  if (issue.code === "unrecognized_keys") return 0
  return valueAt(raw, issue.path) === undefined ? 2 : 1
}

function describe(issue: Issue, raw: unknown): string {
  const field = formatPath(issue.path)
  if (issue.code === "unrecognized_keys") {
    return `${formatPath([...issue.path, issue.keys[0] ?? ""])}: unknown key`
  }
  if (valueAt(raw, issue.path) === undefined) return `${field}: is missing`
  if (issue.code === "invalid_type") return `${field}: ${expectation(issue.expected)}`
  return `${field}: ${issue.message}`
}

const expectations: Readonly<Record<string, string>> = {
  array: "must be a list",
  object: "must be a mapping",
  string: "must be text (put it in quotes)",
  number: "must be a number",
  int: "must be a whole number",
  boolean: "must be true or false",
}

function expectation(expected: string): string {
  return expectations[expected] ?? `must be ${expected}`
}

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

function issueLine(document: Document.Parsed, lines: LineCounter, issue: Issue): number {
  if (issue.code !== "unrecognized_keys") return lineAt(document, lines, issue.path)
  const map = document.getIn(issue.path, true)
  const pair = isMap(map)
    ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === issue.keys[0])
    : undefined
  const offset = isNode(pair?.key) ? pair.key.range?.[0] : undefined
  return offset === undefined ? lineAt(document, lines, issue.path) : lines.linePos(offset).line
}

function lineAt(document: Document.Parsed, lines: LineCounter, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return Math.max(1, lines.linePos(node.range[0]).line)
  }
  return 1
}
