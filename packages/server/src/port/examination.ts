import {
  assert,
  concatBytes,
  decodeUtf8,
  type ErrorCode,
  encodeUtf8,
  limits,
} from "@postern/log/base"
import { rowBytes, rowField, verdictCodes, verdicts } from "@postern/log/core"
import { digestsKey } from "@postern/log/event"
import type { Patterns, WriterGrant } from "../access/index.ts"
import type { PortMemory, Span } from "./sequencer/index.ts"
import type { RefusedEvents } from "./session/index.ts"

const rowWords = rowBytes / 4
const verdictWord = rowField.verdict / 4
const lengthWord = rowField.length / 4
/** An event of this size fits an entry whatever its stamp. */
const eventBytesSure = limits.entryBytesMax - limits.stampBytesMax - 1
const textNames = ["id", "time", "source", "action", "outcome"] as const
/** No verdict of the core: neither accepted nor refused. */
const leftOut = 0xff
type IsHeld = (digest: string) => boolean

/** The digests of an event that the scanner took; undefined if it names anything else in their place, none, or one twice. */
function readDigests(event: Uint8Array): readonly string[] | undefined {
  const { [digestsKey]: digests } = JSON.parse(decodeUtf8(event) ?? "{}") as Record<string, unknown>
  if (!Array.isArray(digests) || digests.length === 0) return undefined
  if (digests.length > limits.disclosuresMax) return undefined
  if (new Set(digests).size < digests.length) return undefined
  return digests.every((digest) => typeof digest === "string") ? digests : undefined
}

/** What the reader process and the courier may say of their own acts; which of it is whose, their grants say. */
const internalActions = [
  "postern.read",
  "postern.tail.opened",
  "postern.tail.closed",
  "postern.evidence",
  "postern.mirror.opened",
  "postern.mirror.confirmed",
  "postern.mirror.closed",
  "postern.access.applied",
  "postern.tls.loaded",
  "postern.tls.refused",
  "postern.certificate.renewed",
  "postern.alert.raised",
  "postern.alert.cleared",
  "postern.alert.undelivered",
  "postern.alert.tested",
  "postern.alerts.loaded",
  "postern.alerts.refused",
  "postern.alerts.behind",
  "postern.alerts.caught-up",
]

/**
 * Looks at a batch in the core's memory: strict JSON, required fields, and whether the writer's grant covers source and
 * action. Works per batch; a single event costs the driver nothing unless it is refused.
 */
export class Examination {
  readonly #memory: PortMemory
  /** All rows that there is room for. */
  readonly #words: Uint32Array
  /** Of the rows judged last that name values beside the log and were admitted: their digests. */
  #named = new Map<number, readonly string[]>()
  /** The grant whose patterns stand in the memory. */
  #loaded: WriterGrant | undefined
  #sources = { from: 0, to: 0 }
  #actions = { from: 0, to: 0 }
  #internal = { from: 0, to: 0 }
  readonly #self: { from: number; to: number }

  constructor(memory: PortMemory) {
    this.#memory = memory
    const { core, rows, rowsMax } = memory
    const { buffer, byteOffset } = core.memory
    this.#words = new Uint32Array(buffer, byteOffset + rows, rowsMax * rowWords)
    this.#self = this.#write(memory.patterns, ["postern.*"])
  }

  /** Splits the region at `[at, end)` into rows. False if it is not exactly `count` events. */
  split(at: number, end: number, count: number): boolean {
    const { core, rows, rowsMax } = this.#memory
    return core.split(at, end, rows, rowsMax) === count
  }

  /**
   * Sets the verdicts of `count` rows for this writer. Returns how many are refused.
   * @param isHeld whether a value with this digest was handed over
   */
  judge(count: number, grant: WriterGrant, isHeld: IsHeld): number {
    const { core, rows } = this.#memory
    if (this.#loaded !== grant) this.#load(grant)
    if (this.#named.size > 0) this.#named = new Map()
    let refused = core.scan(rows, count)
    if (refused > 0) refused -= this.#admitDisclosed(count, isHeld)
    const { action, source } = rowField
    if (grant.internal) refused += this.#judgeInternal(count)
    else
      refused += core.deny(rows, count, action, this.#self.from, this.#self.to, verdicts.selfAction)
    if (!grant.sources.any) {
      const { from, to } = this.#sources
      refused += core.allow(rows, count, source, from, to, verdicts.sourceNotGranted)
    }
    if (!grant.actions.any) {
      const { from, to } = this.#actions
      refused += core.allow(rows, count, action, from, to, verdicts.actionNotGranted)
    }
    if (grant.eventBytesMax < limits.entryBytesMax)
      refused += this.#judgeSizes(count, grant.eventBytesMax)
    return refused
  }

  /** As `judge`; sizes are judged here too, so that what is accepted certainly gets its entry. */
  judgeBody(count: number, grant: WriterGrant, tooLarge: readonly number[], isHeld: IsHeld): void {
    this.judge(count, grant, isHeld)
    const words = this.#words
    for (const row of tooLarge) words[row * rowWords + verdictWord] = verdicts.tooLarge
    this.#judgeSizes(count, Math.min(grant.eventBytesMax, eventBytesSure))
  }

  /** The accepted rows that name values beside the log, with their digests. */
  named(): ReadonlyMap<number, readonly string[]> {
    if (this.#named.size === 0) return this.#named
    return new Map([...this.#named].filter(([row]) => this.isAccepted(row)))
  }

  /** Whether nothing was found wrong with a row that was judged. */
  isAccepted(row: number): boolean {
    return this.#words[row * rowWords + verdictWord] === verdicts.accepted
  }

  /** Of the rows of which nothing is wrong but that they name digests: takes those whose digests are held. Returns how many. */
  #admitDisclosed(count: number, isHeld: IsHeld): number {
    const words = this.#words
    const looks = new Map<string, boolean>()
    const isKnown = (digest: string): boolean => {
      let held = looks.get(digest)
      if (held === undefined) {
        // Looking costs a writer nothing and the port a call of the system.
        held = looks.size < limits.batchDisclosuresMax && isHeld(digest)
        looks.set(digest, held)
      }
      return held
    }
    let admitted = 0
    for (let row = 0; row < count; row++) {
      const at = row * rowWords + verdictWord
      if (words[at] !== verdicts.disclosure) continue
      const digests = readDigests(this.bytes(row, rowField.offset))
      if (digests === undefined || !digests.every(isKnown)) continue
      words[at] = verdicts.accepted
      this.#named.set(row, digests)
      admitted += 1
    }
    return admitted
  }

  #judgeInternal(count: number): number {
    const { core, rows } = this.#memory
    const { from, to } = this.#internal
    return core.allow(rows, count, rowField.action, from, to, verdicts.actionNotGranted)
  }

  #judgeSizes(count: number, eventBytesMax: number): number {
    const words = this.#words
    let refused = 0
    for (let row = 0; row < count * rowWords; row += rowWords) {
      if ((words[row + lengthWord] ?? 0) <= eventBytesMax || words[row + verdictWord] !== 0)
        continue
      words[row + verdictWord] = verdicts.tooLarge
      refused += 1
    }
    return refused
  }

  /** The refused rows, by code. */
  refused(count: number): RefusedEvents[] {
    const words = this.#words
    const byCode = new Map<ErrorCode, number[]>()
    for (let row = 0; row < count; row++) {
      const verdict = words[row * rowWords + verdictWord] ?? 0
      const code = verdictCodes[verdict]
      if (verdict === verdicts.accepted || code === undefined) continue
      const positions = byCode.get(code)
      if (positions === undefined) byCode.set(code, [row])
      else positions.push(row)
    }
    return [...byCode].map(([code, positions]) => ({ code, positions }))
  }

  /**
   * Leaves out the rows for which `keep` says no and those with a verdict, moving the others up. Returns how many are left.
   * Only for streams whose sequence the port gives itself.
   */
  compact(count: number, keep: (row: number) => boolean): number {
    const { core, rows } = this.#memory
    const words = this.#words
    let kept = 0
    for (let row = 0; row < count; row++) {
      if (words[row * rowWords + verdictWord] !== 0 || !keep(row)) continue
      if (kept !== row)
        core.memory.copyWithin(
          rows + kept * rowBytes,
          rows + row * rowBytes,
          rows + (row + 1) * rowBytes,
        )
      kept += 1
    }
    return kept
  }

  /** Where the event, or one of its scanned fields, of a row stands. */
  span(row: number, field: number): Span {
    const at = this.#words[row * rowWords + field / 4] ?? 0
    return { at, end: at + (this.#words[row * rowWords + field / 4 + 1] ?? 0) }
  }

  /** Its bytes. A view that holds until the memory is used again. */
  bytes(row: number, field: number): Uint8Array {
    const { at, end } = this.span(row, field)
    return this.#memory.core.memory.subarray(at, end)
  }

  /**
   * What two copies of an event have in common: all its bytes, without the time if the port may have filled that in. Holds until this, or
   * texts(), is called again.
   */
  content(row: number, changed: number): Span {
    const event = this.span(row, rowField.offset)
    const time = this.span(row, rowField.time)
    if ((changed & 3) === 0 || time.at === 0) return event
    const { core, compared } = this.#memory
    const from = compared + time.at - event.at
    core.memory.copyWithin(compared, event.at, time.at)
    core.memory.copyWithin(from, time.end, event.end)
    return { at: compared, end: from + event.end - time.end }
  }

  /**
   * What the policy never changes of an event, without the time if the port may have filled that in. No event has these bytes. Where the policy
   * changed it, after locate(). Holds as long as content() does.
   */
  texts(row: number, changed: number): Span {
    const names = (changed & 3) === 0 ? textNames : textNames.filter((name) => name !== "time")
    const texts = names.flatMap((name) => [new Uint8Array(1), this.bytes(row, rowField[name])])
    const bytes = concatBytes(encodeUtf8("altered"), ...texts)
    const { core, compared } = this.#memory
    core.memory.set(bytes, compared)
    return { at: compared, end: compared + bytes.length }
  }

  /** Leaves a row out of everything that looks at rows from now on; it is not refused. */
  leaveOut(row: number): void {
    this.#words[row * rowWords + verdictWord] = leftOut
  }

  /** What was found wrong with the one row is wrong with the other too, which was left out. */
  refuseAs(row: number, other: number): void {
    const words = this.#words
    words[row * rowWords + verdictWord] = words[other * rowWords + verdictWord] ?? 0
  }

  /** Points the texts of an event that the policy changed to where they stand now. Its members are ours: they have no escapes and stand once. */
  locate(row: number): void {
    const { core, spans, spansMax } = this.#memory
    const words = this.#words
    const [from = 0, length = 0] = words.subarray(row * rowWords, row * rowWords + 2)
    const count = core.members(from, from + length, spans, spansMax)
    const { buffer, byteOffset } = core.memory
    const found = new Uint32Array(buffer, byteOffset + spans, 4 * Math.max(count, 0))
    for (let i = 0; i < found.length; i += 4) {
      const [key = 0, keyBytes = 0, at = 0, bytes = 0] = found.subarray(i, i + 4)
      const name = Buffer.from(core.memory.subarray(key, key + keyBytes)).toString("latin1")
      const text = textNames.find((one) => one === name)
      if (text === undefined) continue
      const word = row * rowWords + rowField[text] / 4
      words[word] = at + 1
      words[word + 1] = bytes - 2
    }
  }

  #load(grant: WriterGrant): void {
    this.#sources = this.#writePatterns(this.#self.to, grant.sources)
    this.#actions = this.#writePatterns(this.#sources.to, grant.actions)
    this.#internal = this.#write(this.#actions.to, internalActions)
    this.#loaded = grant
  }

  #writePatterns(at: number, patterns: Patterns): { from: number; to: number } {
    return this.#write(at, patterns.texts)
  }

  #write(at: number, texts: readonly string[]): { from: number; to: number } {
    const { core, patterns, patternsBytes } = this.#memory
    let to = at
    for (const text of texts) {
      const prefix = text.endsWith("*")
      const bytes = encodeUtf8(prefix ? text.slice(0, -1) : text)
      assert(
        to + 3 + bytes.length <= patterns + patternsBytes,
        "a grant's patterns fit their region",
      )
      core.memory[to] = prefix ? 1 : 0
      core.memory[to + 1] = bytes.length >> 8
      core.memory[to + 2] = bytes.length & 0xff
      core.memory.set(bytes, to + 3)
      to += 3 + bytes.length
    }
    return { from: at, to }
  }
}
