import { limits } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import { disclosableKeys, eventKeys } from "@postern/log/event"
import type { AdapterBody } from "./api.ts"
import { Names, type Spans, viewSpans } from "./names.ts"
import type { Pen } from "./pen.ts"

/** What a disclosure has around its value at most: salt, name, brackets. */
export const keepOutBytes = 64
const digestBytes = 46 // 43 letters, quotes and a comma.
const digestsBytes = 9 // "_sd":[],
const backslash = 0x5c
const quote = 0x22
const comma = 0x2c
const braceOpen = 0x7b
const bracketOpen = 0x5b

const names = Object.keys(eventKeys).filter((name) => disclosableKeys.has(name))
const movable = new Names([...names, "_sd"])
const digestsNumber = movable.index._sd as number

interface Member {
  /** Its opening quote, and behind its value. */
  readonly at: number
  readonly end: number
  readonly valueAt: number
  /** Undefined if it stays. */
  readonly name: string | undefined
}

/**
 * An event of plain JSON that is too large for an entry: its largest optional members are kept out, the others are written as
 * they came. What the scanner must still see is never taken away: a member that stands twice, has an escape in its name or the
 * wrong type stays, and gets the event refused.
 */
export class Outsized {
  /** Of the present item, once something was kept out of it; sorted, so that their order tells nothing. */
  digests: readonly string[] = []
  readonly #body: AdapterBody
  readonly #spans: Spans
  #rest: readonly Member[] = []

  constructor(body: AdapterBody) {
    this.#body = body
    this.#spans = viewSpans(body.core.memory, body.spans)
  }

  clear(): void {
    this.digests = []
  }

  /** Undefined if the event at `[at, end)`, which is a strict JSON object, cannot be brought to `bytesMax` bytes. */
  keepOut(at: number, end: number, bytesMax: number): readonly KeptOut[] | undefined {
    const members = this.#readMembers(at, end)
    if (members === undefined) return undefined
    let left = end - at + digestsBytes
    const moving = new Set<Member>()
    for (const member of [...members].sort((a, b) => b.end - b.at - (a.end - a.at))) {
      if (left <= bytesMax) break
      const { name, valueAt } = member
      if (name === undefined || member.end - member.at <= digestBytes) continue
      if (member.end - valueAt > limits.disclosureBytesMax - keepOutBytes) continue
      moving.add(member)
      left += digestBytes - (member.end - member.at)
    }
    if (left > bytesMax || moving.size === 0) return undefined
    const { memory } = this.#body.core
    const item = memory.slice(at, end)
    const kept = [...moving].map(({ name = "", valueAt, end: valueEnd }) => {
      return this.#body.keepOut(item, name, item.subarray(valueAt - at, valueEnd - at))
    })
    this.#rest = members.filter((member) => !moving.has(member))
    this.digests = kept.map(({ digest }) => digest).sort()
    return kept
  }

  #readMembers(at: number, end: number): Member[] | undefined {
    const { core, spans, spansMax } = this.#body
    const { memory } = core
    const count = core.members(at, end, spans, spansMax)
    if (count < 0) return undefined
    const { u32, first } = this.#spans
    const members: Member[] = []
    const seen = new Set<number>()
    for (let i = first; i < first + 4 * count; i += 4) {
      const [key, length, valueAt, valueBytes] = u32.subarray(i, i + 4) as unknown as Four
      if (memory.subarray(key, key + length).includes(backslash)) return undefined
      const number = movable.find(memory, key, length)
      if (number === digestsNumber || (number >= 0 && seen.has(number))) return undefined
      seen.add(number)
      const name = hasRightType(number, memory[valueAt]) ? movableNames[number] : undefined
      members.push({ at: key - 1, end: valueAt + valueBytes, valueAt, name })
    }
    return members
  }

  /** The members that stay, and the closing brace. */
  writeRest(pen: Pen): void {
    for (const { at, end } of this.#rest) {
      pen.byte(comma)
      pen.copy(at, end)
    }
    pen.byte(0x7d)
  }
}

type Four = readonly [number, number, number, number]
const movableNames: readonly string[] = names

function hasRightType(number: number, first: number | undefined): boolean {
  const name = movableNames[number]
  if (name === undefined) return false
  const type = eventKeys[name as keyof typeof eventKeys]
  return first === (type === "object" ? braceOpen : bracketOpen)
}

/** `"_sd":["…","…"]` */
export function writeDigests(pen: Pen, digests: readonly string[]): void {
  pen.text('"_sd":[')
  for (const [i, digest] of digests.entries()) {
    if (i > 0) pen.byte(comma)
    pen.byte(quote)
    pen.text(digest)
    pen.byte(quote)
  }
  pen.byte(0x5d)
}
