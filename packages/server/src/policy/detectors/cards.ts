import { type Finding, noFindings } from "./hit.ts"
import { alnum, alphabet, digit, endOf, isAt } from "./letters.ts"

const [least, most] = [13, 19]

const fullStop = 0x2e

/** Card numbers: 13 to 19 digits, also in groups, with a known beginning of the right length and a right check digit. */
export function findCards(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let at = 0; at < text.length; at++) {
    if (!isAt(text, at, digit)) continue
    const to = endOf(text, at, digit)
    const end = mayBegin(text, at) ? cardEnd(text, at, to) : -1
    if (end !== -1) {
      found ??= []
      found.push({ name: "card-number", from: at, to: end, whole: true })
    }
    at = end === -1 ? to : end
  }
  return found ?? noFindings
}

/** One of these stands between two groups of digits that are one number. */
const joints = alphabet(/[ ._-]/)

/** Whether a card number may begin with the group of digits at `from`: not behind a full stop, as in `1.2222…`. */
function mayBegin(text: string, from: number): boolean {
  const code = text.charCodeAt(from)
  if (code < 0x32 || code > 0x38) return false
  if (text.charCodeAt(from - 1) === fullStop && isAt(text, from - 2, digit)) return false
  return !isAt(text, from - 1, alnum) || text.startsWith("%B", from - 2)
}

/** The digits of the number that is looked at. */
const digits = new Uint8Array(most + 1)

/** Behind the card number that begins with the group [from, to); -1 if there is none. */
function cardEnd(text: string, from: number, to: number): number {
  const joint = isAt(text, to, joints) ? text.charCodeAt(to) : Number.NaN
  const first = to - from
  let [begin, end, best, count] = [from, to, -1, 0]
  for (;;) {
    for (let at = begin; at < end && count <= most; at++, count++) {
      digits[count] = text.charCodeAt(at) - 0x30
    }
    if (count > most) break
    if (count >= least && !isAt(text, end, alnum) && isCard(count)) best = end
    if (!isGroup(end - begin, first)) break
    if (text.charCodeAt(end) !== joint || !isAt(text, end + 1, digit)) break
    begin = end + 1
    end = endOf(text, begin, digit)
  }
  return best
}

/** Groups of three digits and more, the last of any length; or every digit by itself. */
function isGroup(length: number, first: number): boolean {
  return first === 1 ? length === 1 : length >= 3
}

function isCard(count: number): boolean {
  return hasIssuer(count) && passesLuhn(count) && isVaried(count)
}

/** What numbers of the large schemes begin with, and how long those are. */
function hasIssuer(count: number): boolean {
  const [one = 0, second = 0, third = 0, fourth = 0] = digits
  if (one === 4) return count === 13 || count === 16 || count === 19
  const two = 10 * one + second
  const three = 10 * two + third
  const four = 10 * three + fourth
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return count === 16
  if (two === 34 || two === 37) return count === 15
  if (two === 36 || two === 38 || two === 39 || (three >= 300 && three <= 305)) return count === 14
  if (four >= 3528 && four <= 3589) return count >= 16
  if (four === 6011 || (three >= 644 && three <= 659)) return count >= 16
  if (four >= 2200 && four <= 2204) return count >= 16
  return count >= 16 && longSchemes.has(two)
}

/** UnionPay, RuPay, Maestro. */
const longSchemes = new Set([50, 56, 57, 58, 60, 62, 63, 67, 81, 82])

function passesLuhn(count: number): boolean {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const value = digits[count - 1 - i] as number
    sum += i % 2 === 0 ? value : value * 2 - (value > 4 ? 9 : 0)
  }
  return sum % 10 === 0
}

function isVaried(count: number): boolean {
  for (let i = 1; i < count; i++) if (digits[i] !== digits[0]) return true
  return false
}
