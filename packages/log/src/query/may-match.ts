import { assertNever } from "../base/index.ts"
import { entryFieldOf, kindOf } from "./fields.ts"
import { contains, createNeedle, type Needle } from "./needle.ts"
import type { FieldQuery, Query } from "./query.ts"
import { isInRange, isInSpan, numberOf, type Span, spanOf } from "./range.ts"

/** What bytes alone say of a part of a query. */
const no = 0
const perhaps = 1
const yes = 2
type Verdict = typeof no | typeof perhaps | typeof yes

/** A leaf that is looked at. */
interface Sight {
  readonly leaf: Uint8Array
  /** Where the event begins. */
  readonly eventAt: number
  /** Whether a `\u` stands in it, which can hide any letter; undefined before it was looked for. */
  hasHidden: boolean | undefined
}

type Look = (sight: Sight) => Verdict

const backslash = 0x5c
const lineFeed = 0x0a
const letterU = 0x75
/** What JSON may write with an escape other than `\u`. */
const escapable = /["\\/\p{Cc}]/u
/** `{"r":`, with which every stamp begins, and `,"o":`, which follows. */
const receivedAt = 5
const streamHead = Array.from(`,"o":`, (letter) => letter.charCodeAt(0))

/** Keys of every event: to look for them would rule nothing out. */
const requiredKeys = new Set(["id", "time", "source", "action", "outcome", "actor", "targets"])

const looks = new WeakMap<Query, Look>()

/**
 * A cheap look at the leaf's bytes: false means that the entry cannot match, true that it must be
 * parsed. Relies on what the port guarantees of its entries (docs/spec/event.md: no escapes in id,
 * source, action, outcome). Does not judge the place.
 */
export function mayMatch(query: Query, leaf: Uint8Array): boolean {
  let look = looks.get(query)
  if (look === undefined) {
    look = lookOf(query)
    looks.set(query, look)
  }
  return look({ leaf, eventAt: leaf.indexOf(lineFeed) + 1, hasHidden: undefined }) !== no
}

function lookOf(query: Query): Look {
  switch (query.kind) {
    case "all":
      return () => yes
    case "and":
      return worstOf(query.parts.map(lookOf))
    case "or":
      return bestOf(query.parts.map(lookOf))
    case "not": {
      const look = lookOf(query.part)
      return (sight) => (yes - look(sight)) as Verdict
    }
    case "words":
      return worstOf(query.words.map((word) => mayStand(createNeedle(word, true))))
    case "field":
      return lookOfField(query)
    default:
      return assertNever(query)
  }
}

function worstOf(parts: readonly Look[]): Look {
  return (sight) => {
    let verdict: Verdict = yes
    for (const look of parts) {
      const own = look(sight)
      if (own === no) return no
      if (own < verdict) verdict = own
    }
    return verdict
  }
}

function bestOf(parts: readonly Look[]): Look {
  return (sight) => {
    let verdict: Verdict = no
    for (const look of parts) {
      const own = look(sight)
      if (own === yes) return yes
      if (own > verdict) verdict = own
    }
    return verdict
  }
}

/** For text that JSON writes as it is, or with `\u`. */
function mayStand(needle: Needle): Look {
  return (sight) => (contains(sight.leaf, needle, sight.eventAt) || hasHidden(sight) ? perhaps : no)
}

function stands(needle: Needle): Look {
  return ({ leaf, eventAt }) => (contains(leaf, needle, eventAt) ? perhaps : no)
}

function hasHidden(sight: Sight): boolean {
  if (sight.hasHidden === undefined) {
    const { leaf, eventAt } = sight
    let at = leaf.indexOf(backslash, eventAt)
    while (at >= 0 && leaf[at + 1] !== letterU) at = leaf.indexOf(backslash, at + 2)
    sight.hasHidden = at >= 0
  }
  return sight.hasHidden
}

function lookOfField({ path, test }: FieldQuery): Look {
  const field = entryFieldOf(path)
  switch (field) {
    case "writer":
    case "index":
      return () => perhaps
    case "received":
      return test.kind === "range" ? lookAtReceived(spanOf(test)) : () => yes
    case "stream":
      return lookAtStream(test)
    case "actor":
    case "target":
      return lookForName(test)
    case undefined: {
      if (kindOf(path) === "plain") return lookForPlain(test)
      // Where there is a value at the path, its keys stand in the bytes.
      const keys = path.filter((key, i) => i > 0 || !requiredKeys.has(key))
      return worstOf([...keys.map((key) => lookForRuns(key, true)), lookForText(test)])
    }
    default:
      return assertNever(field)
  }
}

/** JSON has no other way to write these values. */
function lookForPlain(test: FieldQuery["test"]): Look {
  if (test.kind === "network" || test.kind === "range") return () => perhaps
  return stands(createNeedle(test.kind === "equals" ? `"${test.text}"` : `"${test.text}`))
}

function lookForText(test: FieldQuery["test"]): Look {
  if (test.kind === "network" || test.kind === "range") return () => perhaps
  const { kind, text } = test
  if (kind === "prefix" && text === "") return () => perhaps
  if (kind === "equals") {
    // A number can be written in many ways.
    if (numberOf(text) !== undefined) return () => perhaps
    if (/^(?:true|false|null)$/.test(text)) return mayStand(createNeedle(text))
  }
  return lookForRuns(text, kind === "equals")
}

/**
 * For a string that is `text` or begins so: the parts of it that JSON writes as they are, or with
 * `\u`. A name such as type/id may stand in two strings, so a slash ends a part, too.
 */
function lookForRuns(text: string, isWhole: boolean): Look {
  const runs = text.split(escapable)
  const parts = runs.map((run, i) => {
    const close = isWhole && i === runs.length - 1 ? '"' : ""
    return `${i === 0 ? '"' : ""}${run}${close}`
  })
  return worstOf(parts.filter((part) => part !== "").map((part) => mayStand(createNeedle(part))))
}

/** Names of actors and targets are strings. */
function lookForName(test: FieldQuery["test"]): Look {
  if (test.kind === "network" || test.kind === "range") return () => perhaps
  return lookForRuns(test.text, test.kind === "equals")
}

function lookAtReceived(span: Span): Look {
  return ({ leaf }) => {
    const received = readDigits(leaf, receivedAt)
    if (received === undefined) return perhaps
    return isInSpan(span, received.value) ? yes : no
  }
}

function lookAtStream(test: FieldQuery["test"]): Look {
  if (test.kind === "prefix") return () => yes
  return ({ leaf }) => {
    const end = readDigits(leaf, receivedAt)?.end
    if (end === undefined || streamHead.some((byte, i) => leaf[end + i] !== byte)) return perhaps
    const open = readDigits(leaf, end + streamHead.length)?.value
    if (open === undefined) return perhaps
    if (test.kind === "equals") return open === numberOf(test.text) ? yes : no
    return test.kind === "range" && isInRange(test, open) ? yes : no
  }
}

/** The number that begins at `at`; undefined for what is no stamp, which parseEntry then refuses. */
function readDigits(leaf: Uint8Array, from: number): { value: number; end: number } | undefined {
  let value = 0
  for (let at = from; at < leaf.length; at++) {
    const digit = (leaf[at] as number) - 0x30
    if (digit < 0 || digit > 9) return at === from ? undefined : { value, end: at }
    value = value * 10 + digit
  }
  return undefined
}
