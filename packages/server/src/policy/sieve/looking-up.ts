import type { Member } from "./act.ts"
import { type EventText, rawName, type Span } from "./event-text.ts"

const comma = 0x2c
const colon = 0x3a
const bracketOpen = 0x5b
const bracketClose = 0x5d
const braceOpen = 0x7b
const braceClose = 0x7d
const quote = 0x22

/** One member of an object; its name as rawName() writes it. */
export interface FoundMember {
  readonly name: string
  readonly value: Span
  readonly member: Member
}

/** The members of the object that begins at `from`, in order. */
export function* membersOf(text: EventText, from: number): Generator<FoundMember> {
  let at = text.skipSpace(from + 1)
  let commaAt = -1
  for (let ordinal = 0; text.raw.charCodeAt(at) !== braceClose; ordinal++) {
    const nameTo = text.endOfString(at)
    const valueFrom = text.valueAfter(nameTo)
    const value = { from: valueFrom, to: text.endOfValue(valueFrom) }
    const member = { holder: from, ordinal, nameFrom: at, nameTo, comma: commaAt }
    yield { name: text.rawNameOf(at, nameTo), value, member }
    at = text.skipSpace(value.to)
    if (text.raw.charCodeAt(at) !== comma) continue
    commaAt = at
    at = text.skipSpace(at + 1)
  }
}

/** The value that a pointer without wildcards names; of members that stand twice the last, as every reader of the event takes it. */
export function valueAt(text: EventText, names: readonly string[]): Span | undefined {
  const from = text.skipSpace(0)
  let found: Span | undefined = { from, to: text.endOfValue(from) }
  for (const name of names) {
    if (found === undefined || !text.isContainer(found.from)) return undefined
    found = text.isObject(found.from)
      ? memberCalled(text, found.from, rawName(name))
      : elementAt(text, found.from, name)
  }
  return found
}

function memberCalled(text: EventText, from: number, name: string): Span | undefined {
  let found: Span | undefined
  for (const member of membersOf(text, from)) if (member.name === name) found = member.value
  return found
}

function elementAt(text: EventText, from: number, name: string): Span | undefined {
  let at = text.skipSpace(from + 1)
  for (let number = 0; text.raw.charCodeAt(at) !== bracketClose; number++) {
    const value = { from: at, to: text.endOfValue(at) }
    if (String(number) === name) return value
    at = text.skipSpace(value.to)
    if (text.raw.charCodeAt(at) === comma) at = text.skipSpace(at + 1)
  }
  return undefined
}

/** Whether, below the top level and outside of `gone` (in order), a member has one of these names. */
export function hasNameInside(
  text: EventText,
  names: ReadonlySet<string>,
  gone: readonly Span[],
): boolean {
  const { raw } = text
  let depth = 0
  let next = 0
  for (let at = text.skipSpace(0); at < raw.length; ) {
    while ((gone[next]?.to ?? raw.length) <= at) next += 1
    const code = raw.charCodeAt(at)
    if (at >= (gone[next]?.from ?? raw.length)) at = (gone[next] as Span).to
    else if (code === quote) {
      const to = text.endOfString(at)
      const isName = depth > 1 && raw.charCodeAt(text.skipSpace(to)) === colon
      if (isName && names.has(text.rawNameOf(at, to))) return true
      at = to
    } else {
      if (code === braceOpen || code === bracketOpen) depth += 1
      else if (code === braceClose || code === bracketClose) depth -= 1
      at += 1
    }
  }
  return false
}
