/** Finds the bodies of functions, methods and arrows in TypeScript by matching brackets in blanked text. */
import { lineAt } from "./source.ts"

export interface Body {
  /** Line of the opening brace, from 1. */
  readonly line: number
  /** Lines from the opening to the closing brace, both counted, without those inside the bodies that it holds. */
  readonly lines: number
  /** The trimmed line on which the body opens. */
  readonly head: string
}

const control = new Set(["if", "for", "while", "switch", "catch", "with", "await"])
const statement = /\b(?:class|interface|else|try|finally|do|return|default|enum|throw|new)\b/

/** `code` is text that went through blank(): brackets in it are brackets of the language. */
export function bodiesOf(code: string): Body[] {
  const openOf = matchBrackets(code)
  const spans = [...openOf]
    .map(([close, open]) => ({ open, close, from: lineAt(code, open), to: lineAt(code, close) }))
    .filter(({ open }) => code[open] === "{" && opensBody(code, open, openOf))
    .sort((a, b) => a.open - b.open)
  return spans.map((span, i) => {
    let lines = span.to - span.from + 1
    let seen = span.open
    for (const inner of spans.slice(i + 1)) {
      if (inner.open > span.close) break
      if (inner.open < seen) continue
      lines -= Math.max(0, inner.to - inner.from - 1)
      seen = inner.close
    }
    return { line: span.from, lines, head: lineText(code, span.open) }
  })
}

/** The line that holds a position, trimmed. */
function lineText(code: string, at: number): string {
  const to = code.indexOf("\n", at)
  return code.slice(code.lastIndexOf("\n", at) + 1, to === -1 ? code.length : to).trim()
}

/** Position of each closing bracket, to the position of the one that it closes. */
function matchBrackets(code: string): Map<number, number> {
  const openOf = new Map<number, number>()
  const stack: number[] = []
  for (let i = 0; i < code.length; i++) {
    const char = code[i] as string
    if ("{([".includes(char)) stack.push(i)
    else if ("})]".includes(char)) openOf.set(i, stack.pop() ?? 0)
  }
  return openOf
}

function opensBody(code: string, brace: number, openOf: ReadonlyMap<number, number>): boolean {
  const last = lastVisible(code, brace)
  if (code[last] === ">" && code[last - 1] === "=") return true
  if (code[last] === ")") return isParameterList(code, last, openOf)
  // Inside a type a brace follows an operator; a body follows a type that is complete.
  if (!/[\w$>\]}"']/.test(code[last] ?? "")) return false
  if (/\b(?:is|keyof|readonly|infer)\s*$/.test(code.slice(0, brace))) return false
  const colon = colonOfReturnType(code, last, openOf)
  return colon !== undefined && isParameterList(code, lastVisible(code, colon), openOf)
}

function isParameterList(
  code: string,
  close: number,
  openOf: ReadonlyMap<number, number>,
): boolean {
  const open = openOf.get(close)
  if (code[close] !== ")" || open === undefined) return false
  const word = /([\w$]+)\s*$/.exec(code.slice(Math.max(0, open - 40), open))?.[1]
  return word === undefined || !control.has(word)
}

/** Walks back over what can be a type, to the colon before it. */
function colonOfReturnType(
  code: string,
  from: number,
  openOf: ReadonlyMap<number, number>,
): number | undefined {
  let i = from
  while (i >= 0) {
    const char = code[i] as string
    const open = openOf.get(i)
    if (open !== undefined) i = open - 1
    else if (char === ":") return statement.test(code.slice(i, from + 1)) ? undefined : i
    else if (/[\w\s$|&.,<>"'?]/.test(char) || (char === "=" && code[i + 1] === ">")) i--
    else return undefined
  }
  return undefined
}

/** Position of the last character before `at` that is not white space, -1 if there is none. */
function lastVisible(code: string, at: number): number {
  let i = at - 1
  while (i >= 0 && /\s/.test(code[i] as string)) i--
  return i
}
