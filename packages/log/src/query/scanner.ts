import { PosternError } from "../base/index.ts"

/** Why each is what it is: docs/spec/query.md, Limits. */
export const queryLimits = {
  /** UTF-16 code units of a text. */
  lengthMax: 4096,
  /** Parentheses and NOTs within one another. */
  depthMax: 16,
  /** Tests of fields and words looked for, together. */
  clausesMax: 64,
} as const

/** What stands unquoted: names, numbers, addresses, times, SPIFFE IDs, URLs. */
const barePattern = /(?:[^\s"()[\]{}<>*\\,;|^`\p{Cc}]|\\[^\sA-Za-z0-9])+/uy
/** As bare text, up to a dot or colon. */
const segmentPattern = /[^\s"()[\]{}<>*\\,;|^`\p{Cc}.:]+/uy
const foreignQuotes = "'‘’‚“”„«»"
const shownMax = 60

/** One value as it is written. */
export interface Written {
  readonly at: number
  readonly length: number
  /** Without quotes and backslashes. */
  readonly text: string
  readonly isQuoted: boolean
  /** A star stands behind it. */
  readonly isBegun: boolean
}

export interface WrittenPath {
  readonly at: number
  /** Without the colon. */
  readonly length: number
  readonly segments: readonly string[]
}

/** Reads the pieces that a query is written in, left to right. */
export class QueryScanner {
  readonly text: string
  at = 0
  /** Goes over what is merely wrong, as far as the text can be read all the same: for completions. */
  readonly #isLenient: boolean

  constructor(text: string, isLenient: boolean) {
    this.text = text
    this.#isLenient = isLenient
  }

  get isDone(): boolean {
    return this.at >= this.text.length
  }

  /** The next character, empty at the end. */
  get char(): string {
    return this.text.charAt(this.at)
  }

  /** Goes over white space; whether there was any. */
  space(): boolean {
    const before = this.at
    while (/\s/.test(this.char)) this.at += 1
    return this.at > before
  }

  /** The bare text that comes next, as it is written. */
  bare(): string {
    return matchAt(barePattern, this.text, this.at)
  }

  take(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  /** `data.ticket:`, `data."a.b":`; undefined, and nothing taken, if that is not what comes next. */
  path(): WrittenPath | undefined {
    const at = this.at
    const segments: string[] = []
    do {
      const bare = matchAt(segmentPattern, this.text, this.at)
      if (bare === "" && this.char === '"' && segments.length > 0) {
        segments.push(this.#quoted().text)
      } else {
        segments.push(bare)
        this.at += bare.length
      }
    } while (this.take("."))
    const length = this.at - at
    if (segments.every((segment) => segment !== "") && this.take(":")) {
      return { at, length, segments }
    }
    this.at = at
    return undefined
  }

  /** A value, quoted or bare, with the star behind it; alone, the star is an empty one that goes on. */
  value(): Written {
    const at = this.at
    this.#refuseForeignQuote()
    const { text, isQuoted } = this.char === '"' ? this.#quoted() : this.#bareValue()
    const isBegun = this.take("*")
    if (this.at === at) throw this.unexpected()
    const written = { at, length: this.at - at, text, isQuoted, isBegun }
    this.#demandEnd(written)
    return written
  }

  /** What is wrong, and what to write instead; the text can be read on all the same. */
  slip(at: number, length: number, reason: string, suggestion?: string): void {
    if (!this.#isLenient) throw this.fault(at, length, reason, suggestion)
  }

  fault(at: number, length: number, reason: string, suggestion?: string): PosternError {
    const meant = suggestion?.trim()
    const hint = meant === undefined ? "" : `; did you mean ${shorten(meant)}?`
    const slip = { at, length, ...(suggestion !== undefined && { suggestion }) }
    return new PosternError("QUERY_INVALID", `at character ${at + 1}: ${reason}${hint}`, { slip })
  }

  /** The next character cannot stand here. */
  unexpected(): PosternError {
    if (this.isDone) return this.fault(this.at, 0, "something is missing at the end")
    const { char, at } = this
    if (char === ")") return this.fault(at, 1, "there is a ) without its (")
    if (char === "\\") {
      const what = "a backslash takes a character that is neither letter nor digit"
      return this.fault(at, 1, what, "\\\\")
    }
    return this.fault(at, char.length, `${show(char)} cannot stand here; quotes take any text`)
  }

  #bareValue(): { text: string; isQuoted: boolean } {
    const raw = this.bare()
    this.at += raw.length
    return { text: raw.replace(/\\(.)/gsu, "$1"), isQuoted: false }
  }

  #quoted(): { text: string; isQuoted: boolean } {
    const at = this.at
    let text = ""
    for (this.at += 1; !this.isDone; this.at += 1) {
      const { char } = this
      if (char === '"') {
        this.at += 1
        return { text, isQuoted: true }
      }
      if (char === "\\") {
        this.at += 1
        if (this.isDone) break
        if (/[\sA-Za-z0-9]/.test(this.char)) {
          const what = "in quotes, a backslash takes a character that is neither letter nor digit"
          this.slip(this.at - 1, 1, what, "\\\\")
        }
      }
      text += this.char
    }
    const rest = this.text.slice(at)
    const whole = rest.endsWith("\\") ? rest.slice(0, -1) : rest
    this.slip(at, rest.length, "a quote is not closed", `${whole.trimEnd()}"`)
    return { text, isQuoted: true }
  }

  #refuseForeignQuote(): void {
    if (this.isDone || !foreignQuotes.includes(this.char)) return
    const rest = this.text.slice(this.at + 1)
    const close = [...rest].findIndex((char) => foreignQuotes.includes(char))
    const space = rest.search(/[\s()]|$/)
    const inner = close < 0 ? rest.slice(0, space) : [...rest].slice(0, close).join("")
    const length = 1 + inner.length + (close < 0 ? 0 : 1)
    throw this.fault(this.at, length, `quotes are written "`, quote(inner))
  }

  /** A value ends at white space, a bracket or the end. */
  #demandEnd({ at, isBegun, isQuoted }: Written): void {
    const { char } = this
    if (char === "" || /[\s)\]}]/.test(char)) return
    if (isBegun || char === "*") {
      const what = `* stands at the end only; write ${isQuoted ? "it within the quotes" : "\\*"} for the character`
      throw this.fault(this.at - (isBegun ? 1 : 0), 1, what)
    }
    const raw = /^[^\s()]*/.exec(this.text.slice(at))?.[0] ?? ""
    if (char === "," && !isQuoted && !/["\\*]/.test(raw)) {
      const parts = raw.split(",").filter((part) => part !== "")
      const meant = parts.length > 1 ? `(${parts.join(" OR ")})` : parts[0]
      throw this.fault(at, raw.length, "alternatives are joined by OR, not by commas", meant)
    }
    if (char === "\\") throw this.unexpected()
    if (this.text.startsWith("||", this.at)) {
      throw this.fault(this.at, 2, `"||" is no operator here`, " OR ")
    }
    const what = `${show(char)} cannot stand here`
    throw this.fault(this.at, 1, what, isQuoted ? ` ${char}` : undefined)
  }
}

/** A text in quotes. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`
}

/** A text for an error's detail, short enough for a log line. */
export function show(text: string): string {
  return JSON.stringify(shorten(text))
}

function shorten(text: string): string {
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ""
}
