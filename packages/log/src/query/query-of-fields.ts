import { PosternError } from "../base/index.ts"
import { formatValue } from "./format-query.ts"
import { quote } from "./scanner.ts"
import { tokensOf } from "./tokens.ts"

/** Short forms of a query: `{ action: "invoice.*", outcome: "denied,failure" }`. */
export type QueryFields = Readonly<Record<string, string>>

/** One alternative of a field's value: the whole value, or how it begins. */
interface Alternative {
  readonly text: string
  readonly isBegun: boolean
}

/**
 * The query that says: each of these fields has one of its values. Commas separate values, `*` at
 * the end of one takes all that begin so, a backslash takes the next character as it is; `text` is
 * looked for as words. The names are fields of a query, `data.ticket` too; what is wrong with them
 * or their values parseQuery says. QUERY_INVALID for a list that cannot be read.
 */
export function queryOfFields(fields: QueryFields): string {
  return Object.entries(fields)
    .map(([name, list]) => {
      if (typeof list !== "string") throw refused(name, "its value is not a string")
      const values = alternativesOf(name, list).map((alternative) => formatOne(name, alternative))
      const joined = values.length === 1 ? (values[0] as string) : `(${values.join(" OR ")})`
      return name === "text"
        ? joined
        : `${/^\w[\w.-]{0,99}$/.test(name) ? name : quote(name)}:${joined}`
    })
    .join(" AND ")
}

function formatOne(name: string, { text, isBegun }: Alternative): string {
  if (name === "text" && tokensOf(text).length === 0) {
    throw refused(name, "there is no letter or digit to look for")
  }
  if (text === "" && isBegun) return "*"
  const value = name === "text" ? quote(text) : formatValue(text)
  return isBegun ? `${value}*` : value
}

function alternativesOf(name: string, list: string): Alternative[] {
  const alternatives: Alternative[] = []
  let text = ""
  let isBegun = false
  const finish = () => {
    if (text === "" && !isBegun) throw refused(name, "an alternative is empty")
    alternatives.push({ text, isBegun })
    text = ""
    isBegun = false
  }
  for (let i = 0; i < list.length; i++) {
    const letter = list.charAt(i)
    if (letter === ",") {
      finish()
      continue
    }
    if (isBegun) throw refused(name, "* stands at the end only; write \\* for the character")
    if (letter === "*") {
      isBegun = true
    } else if (letter === "\\") {
      i += 1
      if (i === list.length) throw refused(name, "a backslash takes the character behind it")
      text += list.charAt(i)
    } else {
      text += letter
    }
  }
  finish()
  return alternatives
}

function refused(name: string, reason: string): PosternError {
  return new PosternError("QUERY_INVALID", `${JSON.stringify(name.slice(0, 60))}: ${reason}`)
}
