import { limits } from "@postern/log/base"
import { encodeNeedles, rowBytes, rowField, verdicts } from "@postern/log/core"
import type { Changed } from "@postern/log/event"
import { type Decision, decide, decideByName, type Policy } from "../../policy/rules/index.ts"
import {
  type Beside,
  type LargeSifted,
  openSieve,
  type SieveWorld,
  type Sifted,
} from "../../policy/sieve/index.ts"
import type { PortMemory } from "../sequencer/index.ts"
import {
  BatchRows,
  changesWord,
  decisionWord,
  lengthWord,
  offsetWord,
  rowWords,
  verdictWord,
} from "./batch-rows.ts"
import { ItemContents } from "./item-contents.ts"
import { allGroups, always, decisionsMax, numberOf, type Plan, undecided } from "./plan.ts"
import { RecentContents } from "./recent-contents.ts"
import { isSampled } from "./sampling.ts"
import type {
  AlteredRow,
  BatchToSift,
  KeptLess,
  LargeEvent,
  Placed,
  SealedValue,
} from "./sifted-batch.ts"

export interface SiftingWorld {
  readonly memory: PortMemory
  readonly keys: SieveWorld
  /** Milliseconds. */
  now(): number
}

const contextsMax = 10_000
const forgetEveryMs = 1000
/** An event of this size fits an entry whatever its stamp. */
const eventBytesSure = limits.entryBytesMax - limits.stampBytesMax - 1
const refusals = { EVENT_DISCLOSURE: verdicts.disclosure, EVENT_TOO_LARGE: verdicts.tooLarge }
const ruleless = "(none)"
/** Rules whose decisions are not numbered any more. */
const others = "(others)"
const withoutTime = ["id", "time", "sentAt"]

export class Sifting {
  readonly #world: SiftingWorld
  readonly #rows: BatchRows
  readonly #words: Uint32Array
  readonly #recent = new RecentContents()
  readonly #contents = new ItemContents()
  readonly #contexts = new Map<string, number>()
  #plan: Plan | undefined
  /** There is no room for what more is learned. */
  #isFull = false
  #forgotten = Number.NEGATIVE_INFINITY
  #less: KeptLess[] = []
  /** By where the altered event stands. */
  #keptOut = new Map<number, Sifted["keptOut"]>()
  /** Where the next altered event goes. */
  #free = 0
  /** Rows that were looked at last. */
  #looked = 0

  constructor(world: SiftingWorld) {
    this.#world = world
    this.#rows = new BatchRows(world.memory)
    this.#words = this.#rows.words
  }

  /** From here on this policy decides. */
  use(policy: Policy, shortLived: ReadonlySet<string>): void {
    this.#forget()
    this.#plan = undefined
    if (policy.rules.length === 0 && policy.unmatched === "full" && policy.detect === undefined)
      return
    const { memory, keys } = this.#world
    const itemKeys: SieveWorld = {
      ...keys,
      keepOut: (under, name, value, item, at) => {
        return keys.keepOut(under, name, value, this.#contents.of(item), at)
      },
    }
    const sieve = openSieve(policy, itemKeys, { shortLived })
    const needles = encodeNeedles(sieve.needles, sieve.beyondAscii ? allGroups : 0)
    memory.core.memory.set(needles, memory.needles)
    this.#plan = {
      ...{ policy, sieve, decisions: [undefined, undefined], numbers: new Map() },
      looks: new Uint16Array(decisionsMax).fill(always | allGroups, undecided, undecided + 1),
      decided: new Float64Array(decisionsMax),
    }
  }

  /**
   * Looks at the rows with verdict 0: those that are not kept get a verdict, those that are kept otherwise get other bytes.
   * @returns the bytes of the events that are kept; 0 if no policy asks for less than everything
   */
  sift(batch: BatchToSift): number {
    const plan = this.#plan
    this.#begin()
    if (plan === undefined) return 0
    const { core, rows, decisions, needles } = this.#world.memory
    const { count } = batch
    this.#makeRoom()
    const context = this.#contextOf(batch)
    if (core.recall(rows, count, context, decisions) > 0) this.#learn(plan, batch, context)
    this.#looked = count
    const wanted = this.#rows.wanted(plan.looks, count)
    if ((wanted & allGroups) !== 0) core.mention(rows, count, needles)
    const bytes =
      wanted === 0 && batch.large === undefined
        ? this.#rows.keptBytes(count)
        : this.#look(plan, batch)
    this.#countDecided(1)
    return bytes
  }

  #look(plan: Plan, batch: BatchToSift): number {
    const words = this.#words
    const { count, large } = batch
    let bytes = 0
    for (let row = 0, at = 0; row < count; row++, at += rowWords) {
      if (words[at + verdictWord] !== verdicts.accepted) continue
      const look = plan.looks[words[at + decisionWord] as number] as number
      const mentions = ((words[at + changesWord] as number) >>> 8) & 0xff
      const isLong = (words[at + lengthWord] as number) > plan.sieve.mentionBytesMax && look !== 0
      const isLarge = large?.has(row) === true
      if (isLarge || isLong || (look & (mentions | always)) !== 0) this.#siftRow(plan, batch, row)
      const isKept = words[at + verdictWord] === verdicts.accepted
      const length = words[at + lengthWord] as number
      this.#recent.stands(isKept ? words[at + offsetWord] : undefined, length <= eventBytesSure)
      if (isKept) bytes += length
    }
    return bytes
  }

  /** Stands for the policy that decides; undefined if none asks for less than everything. */
  get inForce(): object | undefined {
    return this.#plan
  }

  /** What sifts a row with verdict 0 that names values beside the log, once they are there; undefined if it is not kept at all. */
  largeEvent(batch: BatchToSift, row: number): LargeEvent | undefined {
    const plan = this.#plan
    if (plan === undefined) return keepLarge
    // A copy: batches come in between its steps.
    const bytes = new Uint8Array(this.#rows.span(row, rowField.offset))
    const decision = decide(plan.policy, this.#rows.named(batch, row), this.#rows.event(row))
    if (this.#whyLeftOut(decision, batch.writer, row) !== undefined) return undefined
    if (plan.sieve.need(decision, batch.adapter) === 0) return keepLarge
    const sift: LargeEvent = (beside) => {
      return plan.sieve.siftLarge(decision, batch.adapter, bytes, beside)
    }
    return this.#contents.during(this.#rows.filledIn(batch.changed, row), sift)
  }

  /** The batch found no room and is offered again: as if nothing had been looked at. */
  undo(): void {
    this.#recent.forgetTried()
    this.#countDecided(-1)
  }

  /** The rows have their places: what was kept less of them, and what belongs to those accepted, of which the first has index `first`. */
  placed(count: number, first: number): Placed {
    this.#recent.placed(() => this.#rows.places(count))
    const placed = { less: this.#less, altered: [] as AlteredRow[], sealed: [] as SealedValue[] }
    if (this.#free === this.#world.memory.altered) return placed
    const { memory } = this.#world.memory.core
    let index = first
    for (let row = 0, at = 0; row < count; row++, at += rowWords) {
      if (this.#words[at + verdictWord] !== verdicts.accepted) continue
      const changed = (this.#words[at + changesWord] as number) & 0xff
      if (changed !== 0) {
        const from = this.#words[at + offsetWord] as number
        const event = memory.subarray(from, from + (this.#words[at + lengthWord] as number))
        placed.altered.push({ position: row, changed: changed as AlteredRow["changed"], event })
        for (const value of this.#keptOut.get(from) ?? []) placed.sealed.push({ index, ...value })
      }
      index += 1
    }
    return placed
  }

  /** How many events each rule has decided about since this was asked last; of the log's own none decides. */
  takeDecided(): ReadonlyMap<string, number> {
    const events = new Map<string, number>()
    for (const [number, count] of this.#plan?.decided.entries() ?? []) {
      if (number === 0 || count === 0) continue
      const decision = this.#plan?.decisions[number]
      if (decision?.class === "log") continue
      const rule = decision === undefined ? others : (decision.rule?.name ?? ruleless)
      events.set(rule, (events.get(rule) ?? 0) + count)
    }
    this.#plan?.decided.fill(0)
    return events
  }

  /** At once, as long as the rows stand where they were looked at. @param step 1, or -1 to take it back */
  #countDecided(step: 1 | -1): void {
    if (this.#plan === undefined) return
    const { decided } = this.#plan
    for (let row = 0, at = decisionWord; row < this.#looked; row++, at += rowWords) {
      const number = this.#words[at] as number
      decided[number] = (decided[number] as number) + step
    }
  }

  #begin(): void {
    this.#less = []
    this.#keptOut = new Map()
    this.#free = this.#world.memory.altered
  }

  #contextOf({ writer, adapter }: BatchToSift): number {
    const key = `${adapter} ${writer}`
    const known = this.#contexts.get(key)
    if (known !== undefined) return known
    if (this.#contexts.size >= contextsMax) this.#forget()
    const context = this.#contexts.size + 1
    this.#contexts.set(key, context)
    return context
  }

  /** Whoever fills the table with names that are all different costs his neighbours what they had learned once in a while, no more. */
  #makeRoom(): void {
    const now = this.#world.now()
    if (!this.#isFull || Math.abs(now - this.#forgotten) < forgetEveryMs) return
    this.#forgotten = now
    this.#forget()
  }

  #forget(): void {
    this.#isFull = false

    const { core, decisions } = this.#world.memory
    core.memory.fill(0, decisions, decisions + core.tableBytes)
    this.#contexts.clear()
  }

  /** Decides for the names that were not met before. */
  #learn(plan: Plan, batch: BatchToSift, context: number): void {
    const { core, rows, decisions: table } = this.#world.memory
    for (let row = 0, at = 0; row < batch.count; row++, at += rowWords) {
      if (this.#words[at + verdictWord] !== verdicts.accepted) continue
      if (this.#words[at + decisionWord] !== 0) continue
      const number = numberOf(
        plan,
        decideByName(plan.policy, this.#rows.named(batch, row)),
        batch.adapter,
      )
      this.#words[at + decisionWord] = number
      if (!core.learn(rows + row * rowBytes, context, number, table)) this.#isFull = true
    }
  }

  #siftRow(plan: Plan, batch: BatchToSift, row: number): void {
    const at = row * rowWords
    const size = this.#words[at + lengthWord] as number
    const number = this.#words[at + decisionWord] as number
    const decision =
      plan.decisions[number] ??
      decide(plan.policy, this.#rows.named(batch, row), this.#rows.event(row))
    if (number === undecided)
      this.#words[at + decisionWord] = numberOf(plan, decision, batch.adapter)
    const why = this.#whyNot(decision, batch.writer, row)
    if (why !== undefined) {
      this.#words[at + verdictWord] = verdicts.notKept
      return this.#keepLess(plan, decision, row, [why], size)
    }
    const sifted = batch.large?.get(row) ?? this.#siftSmall(plan, decision, batch, row)
    if (sifted === undefined) return
    if (sifted.refused !== undefined) this.#words[at + verdictWord] = refusals[sifted.refused]
    else if (sifted.bytes !== undefined)
      this.#alter(row, sifted.bytes, sifted.keptOut, batch.changed)
    else return
    if (this.#words[at + verdictWord] !== verdicts.accepted) return
    const saved = size - (this.#words[at + lengthWord] as number)
    this.#keepLess(plan, decision, row, thingsDone(sifted), saved, sifted.detected)
  }

  #siftSmall(
    plan: Plan,
    decision: Decision,
    { adapter, changed }: BatchToSift,
    row: number,
  ): Sifted | undefined {
    const need = plan.sieve.need(decision, adapter)
    const at = row * rowWords
    const mentions = ((this.#words[at + changesWord] as number) >>> 8) & 0xff
    const isLong = (this.#words[at + lengthWord] as number) > plan.sieve.mentionBytesMax
    if (need === 0 || (need !== "always" && !isLong && (need & mentions) === 0)) return undefined
    this.#contents.use(this.#rows.filledIn(changed, row))
    const mentioned = need === "always" || isLong ? undefined : need & mentions
    return plan.sieve.sift(decision, adapter, this.#rows.span(row, rowField.offset), mentioned)
  }

  #whyNot(decision: Decision, writer: string, row: number): string | undefined {
    const why = this.#whyLeftOut(decision, writer, row)
    const { deduplicateSeconds, rule } = decision
    if (why !== undefined || deduplicateSeconds === undefined) return why
    const content = {
      writer,
      rule: rule?.name ?? ruleless,
      bytes: this.#rows.event(row).without(withoutTime),
    }
    const isRepeat = this.#recent.isRepeat(content, deduplicateSeconds, this.#world.now())
    return isRepeat ? "deduplicated" : undefined
  }

  /** As far as it does not depend on what came before. */
  #whyLeftOut({ level, sample }: Decision, writer: string, row: number): string | undefined {
    if (level === "drop") return "dropped"
    if (sample === undefined) return undefined
    const id = this.#rows.span(row, rowField.id)
    return isSampled(this.#world.keys.mac, sample, writer, id) ? undefined : "sampled"
  }

  #alter(row: number, bytes: Uint8Array, keptOut: Sifted["keptOut"], base: Changed): void {
    const { core, altered, alteredBytes } = this.#world.memory
    const at = row * rowWords
    if (bytes.length > eventBytesSure || this.#free + bytes.length > altered + alteredBytes) {
      this.#words[at + verdictWord] = verdicts.tooLarge
      return
    }
    core.memory.set(bytes, this.#free)
    this.#words[at + offsetWord] = this.#free
    this.#words[at + lengthWord] = bytes.length
    this.#words[at + changesWord] = ((this.#words[at + changesWord] as number) & ~0xff) | base | 4
    if (keptOut.length > 0) this.#keptOut.set(this.#free, keptOut)
    this.#free += bytes.length
  }

  #keepLess(
    plan: Plan,
    decision: Decision,
    position: number,
    did: readonly string[],
    saved: number,
    found: readonly string[] = [],
  ): void {
    const { digest } = plan.policy
    const rule = decision.rule?.name ?? ruleless
    for (const [at, what] of did.entries()) {
      const names = what === "detected" ? found : []
      const less = { rule, digest, did: what, position, saved: at === 0 ? saved : 0, found: names }
      this.#less.push(less)
    }
  }
}

/** Each once. */
function thingsDone({ did, detected }: Sifted): readonly string[] {
  const things: string[] = []
  for (const { what } of did) if (!things.includes(what)) things.push(what)
  if (detected.length > 0 && !things.includes("detected")) things.push("detected")
  return things
}

/** Nothing is done with it. */
function* keepLarge({ values }: Beside): Generator<void, LargeSifted> {
  yield
  return { bytes: undefined, refused: undefined, did: [], detected: [], keptOut: [], values }
}
