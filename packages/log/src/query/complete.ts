import { isPosternError } from "../base/index.ts"
import { outcomes } from "../event/index.ts"
import { fieldNames } from "./fields.ts"
import { type Expected, QueryParser } from "./parser.ts"
import { QueryScanner } from "./scanner.ts"

/** What may stand where somebody types. The lists hold what goes on from `begun`, and may be empty. */
export interface Completion {
  /** The characters that a choice takes the place of. */
  readonly at: number
  readonly length: number
  /** What of it stands before the caret, without quotes. */
  readonly begun: string
  readonly fields: readonly string[]
  readonly operators: readonly string[]
  /** A value of this field may stand here. */
  readonly valueOf: readonly string[] | undefined
  /** All values that the field can have, where these are few. */
  readonly values: readonly string[]
}

/**
 * What may stand at the caret. The text need not be right; where it cannot be understood, nothing
 * is offered.
 * @param caret UTF-16 code units from the start of the text
 */
export function completeAt(text: string, caret: number): Completion {
  const head = text.slice(0, caret)
  const expected = expectedAtEnd(head)
  const raw = head.slice(expected.at)
  const isQuoted = raw.startsWith('"') && expected.path !== undefined
  const begun = isQuoted ? raw.slice(1).replace(/\\(.)/gsu, "$1") : raw
  const isOneToken = isQuoted || /^[^\s"()[\]{}<>*]*$/.test(raw)
  if (!isOneToken) return { at: head.length, length: 0, begun: "", ...none }
  const rest = restPattern(expected, isQuoted).exec(text.slice(caret))
  const length = raw.length + (rest?.[0].length ?? 0)
  const goesOn = (name: string) => name.startsWith(begun)
  return {
    ...{ at: expected.at, length, begun },
    fields: expected.clause ? fieldNames.filter(goesOn) : [],
    operators: operatorsOf(expected).filter(goesOn),
    valueOf: expected.path,
    values: expected.path?.join(".") === "outcome" ? outcomes.filter(goesOn) : [],
  }
}

/** What of the token stands behind the caret. */
function restPattern({ path }: Expected, isQuoted: boolean): RegExp {
  if (isQuoted) return /^[^"]*"?/
  return path === undefined ? /^[\w.-]*/ : /^[^\s"()[\]{}<>*]*/
}

const none = { fields: [], operators: [], valueOf: undefined, values: [] }

function expectedAtEnd(head: string): Expected {
  const parser = new QueryParser(new QueryScanner(head, true))
  try {
    parser.whole()
  } catch (error) {
    // A text that somebody is still typing is seldom a query; where the parser came to is enough.
    if (!isPosternError(error)) throw error
  }
  return parser.expected
}

function operatorsOf({ clause, operator, path }: Expected): readonly string[] {
  if (operator) return clause ? ["AND", "OR", "NOT"] : ["AND", "OR"]
  return clause && path === undefined ? ["NOT"] : []
}
