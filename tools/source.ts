/**
 * Reading our own source as text: which files there are, and the text without what stands in comments and
 * literals. TypeScript 7 has no compiler interface for programs, and the rules of this folder need no more.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** The top folder of the repository, without a slash at its end. */
export const house = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "")

/** `assets`: the built console. */
const skipped = new Set(["node_modules", "dist", "generated", "assets", ".git"])

/** Paths of all files below `folder` (relative to the house, with forward slashes), sorted. */
export function listFiles(folder: string): string[] {
  const found: string[] = []
  for (const entry of readdirSync(join(house, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory() && !skipped.has(entry.name)) found.push(...listFiles(path))
    if (entry.isFile()) found.push(path)
  }
  return found.sort()
}

export function readSource(path: string): string {
  return readFileSync(join(house, path), "utf8")
}

/** Tests, and what only they use: `x.test.ts`, `x.test.support.ts`, `x.fixture.ts`, everything below test/. */
export function isTest(path: string): boolean {
  return /\.(?:test|fixture)\.(?:[a-z]+\.)?ts$/.test(path) || path.startsWith("test/")
}

/** Line number, from 1, of a position in a text. */
export function lineAt(text: string, at: number): number {
  let line = 1
  for (let i = text.indexOf("\n"); i !== -1 && i < at; i = text.indexOf("\n", i + 1)) line++
  return line
}

/**
 * The text with every comment and the inside of every string, template and regular expression replaced by
 * spaces. Quotes, line ends and all positions stay, so that braces can be matched and places reported.
 */
export function blank(text: string): string {
  const templates: number[] = [] // Brace depths at which a `${` was opened.
  let depth = 0
  let out = ""
  while (out.length < text.length) {
    const at = out.length
    const char = text[at] as string
    if (char === "`" || (char === "}" && templates.at(-1) === depth)) {
      if (char === "}") templates.pop()
      const end = templateEnd(text, at + 1)
      if (text[end - 1] === "{") templates.push(depth)
      out += hide(text.slice(at, end), 1, text[end - 1] === "{" ? 2 : 1)
    } else if (char === '"' || char === "'") {
      out += hide(text.slice(at, quotedEnd(text, at)), 1, 1)
    } else if (char === "/" && text[at + 1] === "/") {
      out += hide(text.slice(at, endOr(text, text.indexOf("\n", at))), 0, 0)
    } else if (char === "/" && text[at + 1] === "*") {
      out += hide(text.slice(at, endOr(text, text.indexOf("*/", at + 2) + 2, 1)), 0, 0)
    } else if (char === "/" && !closesElement(text, at) && startsRegex(out)) {
      out += hide(text.slice(at, regexEnd(text, at)), 1, 1)
    } else {
      if (char === "{") depth++
      if (char === "}") depth--
      out += char
    }
  }
  return out
}

function hide(piece: string, keepFirst: number, keepLast: number): string {
  if (piece.length <= keepFirst + keepLast) return piece
  const inside = piece.slice(keepFirst, piece.length - keepLast).replace(/[^\n]/g, " ")
  return piece.slice(0, keepFirst) + inside + piece.slice(piece.length - keepLast)
}

function endOr(text: string, found: number, least = 0): number {
  return found <= least ? text.length : found
}

function quotedEnd(text: string, at: number): number {
  let i = at + 1
  while (i < text.length && text[i] !== text[at] && text[i] !== "\n") i += text[i] === "\\" ? 2 : 1
  return Math.min(i + 1, text.length)
}

/** Behind the backtick that closes the template, or behind the `${` that interrupts it. */
function templateEnd(text: string, from: number): number {
  let i = from
  while (i < text.length) {
    if (text[i] === "`") return i + 1
    if (text[i] === "$" && text[i + 1] === "{") return i + 2
    i += text[i] === "\\" ? 2 : 1
  }
  return text.length
}

/** The slash of `</a>` or `<a />` in JSX, which no regular expression of ours looks like. */
function closesElement(text: string, at: number): boolean {
  return text[at - 1] === "<" || text[at + 1] === ">"
}

/** A slash divides only behind a value; `before` is what precedes it, already blanked. */
function startsRegex(before: string): boolean {
  const tail = before.trimEnd()
  if (tail === "" || /[([{},;:=!&|?+\-*%^~<>]$/.test(tail)) return true
  return /(?:^|[^\w$.])(?:return|typeof|case|in|of|void|delete|throw|await|yield|else|do)$/.test(
    tail,
  )
}

function regexEnd(text: string, at: number): number {
  let inClass = false
  let i = at + 1
  for (; i < text.length && text[i] !== "\n"; i++) {
    if (text[i] === "\\") i++
    else if (text[i] === "[") inClass = true
    else if (text[i] === "]") inClass = false
    else if (text[i] === "/" && !inClass) break
  }
  return Math.min(i + 1, text.length)
}
