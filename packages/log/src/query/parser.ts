import { nearestName } from "../event/index.ts"
import { canonicalPath, fieldNames, hasMembers } from "./fields.ts"
import { allOf, anyOf, negate, type Query, type Test } from "./query.ts"
import { type QueryScanner, queryLimits, quote, show, type WrittenPath } from "./scanner.ts"
import { readBound, readRange, readTest } from "./test-reading.ts"
import { tokensOf } from "./tokens.ts"

/** What could stand where the parser was last, for completions. */
export interface Expected {
  /** Where it would begin. */
  readonly at: number
  /** A clause: a field's name, a word, NOT. */
  readonly clause: boolean
  /** AND or OR. */
  readonly operator: boolean
  /** A value of this field. */
  readonly path: readonly string[] | undefined
}

type Path = readonly string[] | undefined

const nothing = { clause: false, operator: false, path: undefined }
const operators = ["AND", "OR", "NOT"] as const
const reserved = new Set<string>([...operators, "TO"])

/**
 * The grammar of docs/spec/query.md by recursive descent. A path given along says that values of
 * that field are read: the inside of `field:( … )`.
 */
export class QueryParser {
  expected: Expected = { at: 0, ...nothing }
  readonly #scanner: QueryScanner
  #depth = 0
  #clauses = 0
  /** Where the clause that is read begins. */
  #clauseAt = 0

  constructor(scanner: QueryScanner) {
    this.#scanner = scanner
  }

  whole(): Query {
    const scanner = this.#scanner
    const { text } = scanner
    const { lengthMax } = queryLimits
    if (text.length > lengthMax) {
      const what = `the query has ${text.length} characters, at most ${lengthMax}`
      throw scanner.fault(lengthMax, text.length - lengthMax, what)
    }
    const half = text.search(/\p{Surrogate}/u)
    if (half >= 0) throw scanner.fault(half, 1, "half a surrogate pair is no character")
    scanner.space()
    this.#expect({ clause: true })
    if (scanner.isDone) return { kind: "all" }
    const query = this.#or(undefined)
    if (!scanner.isDone) throw scanner.unexpected()
    return query
  }

  #or(path: Path): Query {
    const parts = [this.#and(path)]
    while (this.#takeOperator("OR")) parts.push(this.#and(path))
    return anyOf(parts)
  }

  #and(path: Path): Query {
    const parts = [this.#not(path)]
    for (;;) {
      if (this.#scanner.space()) this.#expect({ operator: true, clause: path === undefined })
      if (this.#takeOperator("AND")) parts.push(this.#not(path))
      else if (!this.#isClauseNext()) return allOf(parts)
      else {
        if (path !== undefined) this.#demandOperator()
        parts.push(this.#not(path))
      }
    }
  }

  #not(path: Path): Query {
    const scanner = this.#scanner
    scanner.space()
    if (this.expected.at !== scanner.at) this.#expect({ clause: path === undefined, path })
    if (scanner.char === "!") scanner.slip(scanner.at, 1, "what is not wanted", "NOT ")
    if (this.#takeOperator("NOT") || scanner.take("!")) {
      return this.#within(() => negate(this.#not(path)))
    }
    if (path === undefined && scanner.char === "-") {
      scanner.at += 1
      if (/\s/.test(scanner.char)) {
        const space = /\s+/.exec(scanner.text.slice(scanner.at))?.[0].length ?? 0
        scanner.slip(
          scanner.at - 1,
          1 + space,
          "a minus stands right before what is not wanted",
          "-",
        )
        scanner.space()
      }
      this.#expect({ clause: true })
      return negate(this.#primary(path))
    }
    return this.#primary(path)
  }

  #primary(path: Path): Query {
    const scanner = this.#scanner
    if (scanner.isDone) throw scanner.unexpected()
    this.#refuseOperator()
    this.#clauseAt = scanner.at
    if (scanner.char === "(") return this.#group(path)
    if (path !== undefined) return this.#valueTest(path)
    const written = scanner.path()
    return written === undefined ? this.#words() : this.#field(written)
  }

  #group(path: Path): Query {
    const scanner = this.#scanner
    const { at } = scanner
    return this.#within(() => {
      scanner.at += 1
      scanner.space()
      if (scanner.char === ")")
        throw scanner.fault(at, scanner.at + 1 - at, "the brackets are empty")
      const query = this.#or(path)
      if (scanner.isDone) {
        const rest = scanner.text.slice(at)
        throw scanner.fault(at, rest.length, "a bracket is not closed", `${rest.trimEnd()})`)
      }
      if (!scanner.take(")")) throw scanner.unexpected()
      this.#expect({})
      return query
    })
  }

  #field(written: WrittenPath): Query {
    const scanner = this.#scanner
    this.#checkField(written)
    const path = canonicalPath(written.segments)
    scanner.space()
    this.#expect({ path })
    if (scanner.isDone)
      throw scanner.fault(scanner.at, 0, `a value of ${path.join(".")} is missing`)
    const { char } = scanner
    if (char === "(") return this.#group(path)
    if (char === ">" || char === "<") return this.#clause(path, this.#comparison(path))
    if (char === "[" || char === "{") return this.#clause(path, this.#interval(path))
    return this.#valueTest(path)
  }

  #valueTest(path: readonly string[]): Query {
    const scanner = this.#scanner
    if (reserved.has(scanner.bare())) {
      throw scanner.fault(scanner.at, 0, `a value of ${path.join(".")} is missing`)
    }
    const written = scanner.value()
    if (written.isBegun || written.isQuoted) this.#closeValue(written.at)
    return this.#clause(path, readTest(scanner, path, written))
  }

  #comparison(path: readonly string[]): Test {
    const scanner = this.#scanner
    const { at } = scanner
    const isLower = scanner.take(">")
    if (!isLower) scanner.at += 1
    const isInclusive = scanner.take("=")
    scanner.space()
    this.#expect({ path })
    const bound = readBound(scanner, path, scanner.value(), isInclusive)
    const [from, to] = isLower ? [bound, undefined] : [undefined, bound]
    return readRange(scanner, path, { kind: "range", from, to }, at)
  }

  #interval(path: readonly string[]): Test {
    const scanner = this.#scanner
    const { at } = scanner
    const from = this.#bound(path, scanner.take("[") || !scanner.take("{"))
    scanner.space()
    const word = scanner.bare()
    if (word.toUpperCase() !== "TO") {
      throw scanner.fault(scanner.at, word.length, "a range is written [lower TO upper]")
    }
    if (word !== "TO") scanner.slip(scanner.at, 2, "the operator is written in capitals", "TO")
    scanner.at += 2
    const to = this.#bound(path, true)
    scanner.space()
    const isInclusive = scanner.take("]")
    if (!isInclusive && !scanner.take("}")) {
      throw scanner.fault(at, scanner.at - at, "a range ends with ] or }")
    }
    this.#expect({})
    const upper = to === undefined ? undefined : { ...to, isInclusive }
    return readRange(scanner, path, { kind: "range", from, to: upper }, at)
  }

  /** A bound of an interval; `*` is none. */
  #bound(path: readonly string[], isInclusive: boolean) {
    const scanner = this.#scanner
    scanner.space()
    this.#expect({ path })
    if (scanner.take("*")) return undefined
    return readBound(scanner, path, scanner.value(), isInclusive)
  }

  #clause(path: readonly string[], test: Test): Query {
    this.#count(1)
    return { kind: "field", path, test }
  }

  #words(): Query {
    const scanner = this.#scanner
    this.#refuseComparison()
    const { at, length, text, isQuoted, isBegun } = scanner.value()
    if (isBegun || isQuoted) this.#closeValue(at)
    if (isBegun && !isQuoted && text === "") return { kind: "all" }
    const words = tokensOf(text)
    if (words.length === 0) throw scanner.fault(at, length, "it has no letter or digit to look for")
    this.#count(words.length)
    // Behind anything else a new token may begin, or none: that says nothing.
    const begun = isBegun && tokensOf(text.slice(-1)).length > 0
    return { kind: "words", words, begun }
  }

  /** Nothing can be added to a value that has its closing quote or its star. */
  #closeValue(at: number): void {
    const { text, at: end } = this.#scanner
    if (end > at + 1 && /["*]$/.test(text.slice(at, end))) this.#expect({})
  }

  #expect(what: Partial<Expected>): void {
    this.expected = { ...nothing, ...what, at: this.#scanner.at }
  }

  #within<T>(read: () => T): T {
    const { at, fault } = { at: this.#scanner.at, fault: this.#scanner.fault.bind(this.#scanner) }
    if (this.#depth === queryLimits.depthMax) {
      throw fault(at, 1, `brackets and NOT nest deeper than ${queryLimits.depthMax}`)
    }
    this.#depth += 1
    const result = read()
    this.#depth -= 1
    return result
  }

  #count(clauses: number): void {
    const { clausesMax } = queryLimits
    this.#clauses += clauses
    if (this.#clauses <= clausesMax) return
    const { at } = this.#scanner
    const what = `more than ${clausesMax} fields and words`
    throw this.#scanner.fault(this.#clauseAt, at - this.#clauseAt, what)
  }

  /** Operators are capitals; in small letters they are refused rather than looked for. */
  #takeOperator(operator: (typeof operators)[number]): boolean {
    const scanner = this.#scanner
    const { at } = scanner
    const symbol = operator === "AND" ? "&&" : operator === "OR" ? "||" : undefined
    if (symbol !== undefined && scanner.take(symbol)) {
      scanner.slip(at, 2, `${show(symbol)} is no operator here`, operator)
      return true
    }
    const word = scanner.bare()
    if (word.toUpperCase() !== operator) return false
    if (word !== operator) {
      const what = "operators are written in capitals; to look for the word, quote it"
      scanner.slip(at, word.length, what, operator)
    }
    scanner.at += word.length
    return true
  }

  #isClauseNext(): boolean {
    const { isDone, char, text, at } = this.#scanner
    if (isDone || /[)\]}]/.test(char) || text.startsWith("||", at)) return false
    return this.#scanner.bare().toUpperCase() !== "OR"
  }

  /** AND or OR where something to join is missing. */
  #refuseOperator(): void {
    const scanner = this.#scanner
    const word = scanner.bare()
    if (word.toUpperCase() !== "AND" && word.toUpperCase() !== "OR") return
    const what = `nothing stands before ${word}; to look for the word, quote it`
    throw scanner.fault(scanner.at, word.length, what, quote(word))
  }

  /** `field:(a b)` could mean either, so it is asked. */
  #demandOperator(): void {
    const scanner = this.#scanner
    const what = "values in brackets are joined by OR (any of them) or AND (all of them)"
    scanner.slip(scanner.at, 0, what, "OR ")
  }

  #checkField({ at, length, segments }: WrittenPath): void {
    const scanner = this.#scanner
    const [name = "", ...members] = segments
    if (fieldNames.includes(name)) {
      if (members.length === 0 || hasMembers(name)) return
      return scanner.slip(at, length, `${name} has no members`, name)
    }
    const raw = `${scanner.text.slice(at, at + length)}:${/^[^\s()"]*/.exec(scanner.text.slice(scanner.at))?.[0]}`
    const meant = nearestName(name, fieldNames)
    const what = `there is no field ${show(name)}`
    if (meant !== undefined && !raw.includes("://"))
      return scanner.slip(at, name.length, what, meant)
    scanner.slip(at, raw.length, `${what}; to look for the text, quote it`, quote(raw))
  }

  /** `field=value` and `field > value`, as other languages have them, and `field :value`. */
  #refuseComparison(): void {
    const scanner = this.#scanner
    const { at, text } = scanner
    if (scanner.char === ":") {
      const before = text.slice(0, at).trimEnd().length
      const what = "a field's name stands right before the colon"
      throw scanner.fault(before, at + 1 - before, what, before === 0 ? undefined : ":")
    }
    const bare = scanner.bare()
    if (bare.includes(":")) {
      const what = "no field's name is written so; to look for the text, quote it"
      throw scanner.fault(at, bare.length, what, quote(bare.replace(/\\(.)/gsu, "$1")))
    }
    const [, name = "", sign = ""] = /^([\w.-]+?)(!?=+)/.exec(bare) ?? []
    if (sign !== "" && isFieldName(name)) {
      const isNot = sign.startsWith("!")
      const length = name.length + sign.length
      const meant = isNot ? `NOT ${name}:` : `${name}:`
      throw scanner.fault(at, length, "a field is compared with a colon", meant)
    }
    if (!isFieldName(bare)) return
    const [gap] = /^\s*(?:(?=[<>])|=+\s*)/.exec(text.slice(at + bare.length)) ?? []
    if (gap === undefined) return
    throw scanner.fault(at + bare.length, gap.length, "a field is compared with a colon", ":")
  }
}

function isFieldName(text: string): boolean {
  const [name = "", ...members] = text.split(".")
  return fieldNames.includes(name) && (members.length === 0 || hasMembers(name))
}
