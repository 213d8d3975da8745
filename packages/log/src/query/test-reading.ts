import { parseDecimal } from "../base/index.ts"
import { isOutcome, nearestName, outcomes, parseTime } from "../event/index.ts"
import { kindOf } from "./fields.ts"
import { parseNetwork } from "./network.ts"
import type { Bound, Test } from "./query.ts"
import { compareText, numberOf, periodOf, type Range, spanOf } from "./range.ts"
import { type QueryScanner, quote, show, type Written } from "./scanner.ts"

/** What a value behind `path:` asks for. A value that nothing can have is a slip of the pen, and an empty answer would hide it. */
export function readTest(scanner: QueryScanner, path: readonly string[], written: Written): Test {
  const { text, isBegun, isQuoted } = written
  if (isBegun && text === "") return { kind: "prefix", text }
  const kind = kindOf(path)
  if (kind === "instant" || kind === "number") {
    checkWhole(scanner, path, written)
    if (kind === "number") return { kind: "equals", text }
    return { kind: "range", from: inclusive(text), to: inclusive(text) }
  }
  if (path.length === 1) checkPlain(scanner, path[0] as string, written)
  if (isBegun) return { kind: "prefix", text }
  const network = isQuoted ? undefined : readNetwork(scanner, written)
  return network === undefined ? { kind: "equals", text } : { kind: "network", network }
}

/** A bound of a range; it has been read as a value, and says where it stands. */
export function readBound(
  scanner: QueryScanner,
  path: readonly string[],
  written: Written,
  isInclusive: boolean,
): Bound {
  const { at, length, text, isBegun } = written
  if (isBegun) scanner.slip(at + length - 1, 1, "a bound is a whole value, without *", "")
  checkWhole(scanner, path, { ...written, isBegun: false })
  return { text, isInclusive }
}

/** The test that two bounds make; `at` and `length` are where both stand. */
export function readRange(
  scanner: QueryScanner,
  path: readonly string[],
  range: Range,
  at: number,
): Test {
  const { from, to } = range
  if (from === undefined && to === undefined) return { kind: "prefix", text: "" }
  if (from !== undefined && to !== undefined && isEmpty(kindOf(path) === "instant", range)) {
    scanner.slip(at, scanner.at - at, "nothing is within: the lower bound stands first")
  }
  return { kind: "range", from, to }
}

function isEmpty(isInstant: boolean, range: Range): boolean {
  const [from, to] = [range.from as Bound, range.to as Bound]
  if (isInstant) {
    const { from: first, until } = spanOf(range)
    return first !== undefined && until !== undefined && first >= until
  }
  const [low, high] = [numberOf(from.text), numberOf(to.text)]
  const order =
    low !== undefined && high !== undefined ? low - high : compareText(from.text, to.text)
  return order > 0 || (order === 0 && !(from.isInclusive && to.isInclusive))
}

/** Instants and indexes have a form of their own, and no beginnings. */
function checkWhole(scanner: QueryScanner, path: readonly string[], written: Written): void {
  const { at, length, text, isBegun } = written
  const kind = kindOf(path)
  if (kind === "instant" && (isBegun || periodOf(text) === undefined)) {
    const what = `${show(text)} is no time; write 2026-11-22T12:00:00Z, 2026-11-22 or 2026-11`
    scanner.slip(at, length, what, meantTime(text))
  }
  if (kind === "number" && (isBegun || (parseDecimal(text) ?? 1e14) >= 1e14)) {
    scanner.slip(at, length, `${path[0]} is a whole number below 10^14`)
  }
}

function meantTime(text: string): string | undefined {
  const plain = text
    .trim()
    .replace(/[-T.:+]+$/i, "")
    .toUpperCase()
  const tried = [plain, plain.replace(" ", "T"), plain.replace(/ (?=\d\d:\d\d$)/, "+")]
  const candidates = tried.flatMap((form) => [form, `${form}Z`, `${form}:00Z`, `${form}:00:00Z`])
  return candidates.find((form) => parseTime(form) !== undefined || periodOf(form) !== undefined)
}

function checkPlain(scanner: QueryScanner, name: string, written: Written): void {
  if (name === "outcome") checkOutcome(scanner, written)
  if (name === "action") checkAction(scanner, written)
}

function checkOutcome(scanner: QueryScanner, { at, length, text, isBegun }: Written): void {
  const fits = (outcome: string) => (isBegun ? outcome.startsWith(text) : outcome === text)
  if (outcomes.some(fits)) return
  const meant = nearestName(text, outcomes.filter(isOutcome))
  const known = meant === undefined ? `; they are ${outcomes.join(", ")}` : ""
  scanner.slip(at, length, `${show(text)} is no outcome${known}`, meant)
}

function checkAction(scanner: QueryScanner, { at, length, text, isBegun }: Written): void {
  if (/^[a-z0-9._:/-]*$/.test(text) && text.length <= 128) return
  const plain = text.trim().toLowerCase()
  const meant = /^[a-z0-9._:/-]{1,128}$/.test(plain) ? plain + (isBegun ? "*" : "") : undefined
  const what = `${show(text)} is no action: they have letters of a-z 0-9 . _ : / - only`
  scanner.slip(at, length, what, meant)
}

function readNetwork(scanner: QueryScanner, { at, length, text }: Written) {
  const network = parseNetwork(text)
  if (network === undefined && /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(text)) {
    scanner.slip(
      at,
      length,
      `${show(text)} is no network; to look for the text, quote it`,
      quote(text),
    )
  }
  return network
}

function inclusive(text: string): Bound {
  return { text, isInclusive: true }
}
