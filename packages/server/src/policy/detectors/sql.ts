/** SQL statements without what people put into them: every literal becomes `?`. */
import { type Finding, noFindings } from "./hit.ts"

const statement =
  /^[\s(]*(?:\/\*[^*]{0,200}\*\/\s*)?(?:explain\s+(?:analyze\s+)?)?(?:select\b[\s\S]*\b(?:from|where|union)\b|select\s+['(0-9]|insert\s+(?:ignore\s+)?into\b|update\b[\s\S]*\bset\b|delete\s+from\b|merge\s+into\b|replace\s+into\b|with\b[\s\S]*\b(?:select|insert|update|delete)\b|call\s+\w|exec(?:ute)?\s+\w|create\s+(?:user|role|login)\b|alter\s+(?:user|role|login)\b|grant\b[\s\S]*\bto\b|values\s*\()/i

const shortest = 8
/** Asked about every text: what it takes is what `statement` may take. */
const isBegun =
  /^[\s(]*(?:\/\*|(?:explain|select|insert|update|delete|merge|replace|with|call|exec(?:ute)?|create|alter|grant|values)[\s(])/i

/**
 * In order: a comment, a name in quotes, a text in quotes, one in dollars (its tag is closed by the loop), a number.
 * A quote that nobody closed takes the rest.
 */
const token =
  /--[^\n]*|\/\*|"[^"]*"|`[^`]*`|[bexnBEXN]?'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|\$(?:[A-Za-z_]\w{0,30})?\$|(?<![\w$.])-?(?:0[xX][0-9A-Fa-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w$])/g

export function findLiteralsInSql(text: string): readonly Finding[] {
  if (text.length < shortest || !isBegun.test(text) || !statement.test(text)) return noFindings
  const parts: string[] = []
  let [first, at] = [-1, 0]
  const valuesAt = text.search(/\bvalues\b/i)
  token.lastIndex = 0
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const end = literalEnd(text, match)
    token.lastIndex = end
    if (!isLiteral(text, match, valuesAt)) continue
    if (first === -1) first = match.index
    else parts.push(text.slice(at, match.index))
    parts.push("?")
    at = end
  }
  if (first === -1) return noFindings
  return [{ name: "sql-literal", from: first, to: at, whole: false, replacement: parts.join("") }]
}

/** Not a comment, and no name in quotes: MySQL's texts in double quotes stand behind an operator or `values`. */
function isLiteral(text: string, match: RegExpExecArray, valuesAt: number): boolean {
  const [written] = match
  if (written.startsWith('"')) {
    if (valuesAt !== -1 && match.index > valuesAt) return true
    return /(?:[=<>]|\blike|\bin\s?\()\s?$/i.test(
      text.slice(Math.max(0, match.index - 8), match.index),
    )
  }
  return !/^(?:--|[/`])/.test(written)
}

/** Behind the literal or comment that a token begins. */
function literalEnd(text: string, match: RegExpExecArray): number {
  const [written] = match
  const behind = match.index + written.length
  const close = written === "/*" ? "*/" : written.startsWith("$") ? written : undefined
  if (close === undefined) return behind
  const end = text.indexOf(close, behind)
  return end === -1 ? text.length : end + close.length
}
