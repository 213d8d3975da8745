import { PosternError } from "@postern/log/base"
import { problemOf } from "./ask.ts"
import {
  addClaim,
  type ClaimedEntry,
  demandSame,
  type LogEntry,
  makeEntry,
  openingOf,
  readClaim,
} from "./entry.ts"
import type { SentFrame } from "./frames.ts"
import type { ProofAnswer, Trust } from "./trust.ts"

/** An entry that was handed out before it could be proven. */
interface GivenEntry {
  readonly claim: ClaimedEntry
  readonly opening: ClaimedEntry
  readonly entry: ReturnType<typeof makeEntry>
}

/** The read port waits for a checkpoint long before this. */
const unprovenMax = 65_536
/** The read port counts on a viewer to know the openings of the last 4,096 streams that it named. */
const openingsMax = 8_192

/**
 * What a tail was given, and how much of it is proven; over any number of connections. On each connection the port proves
 * all that it sent there, so a new one begins with what the last one left unproven.
 */
export class TailState {
  readonly #trust: Pick<Trust, "prove" | "size">
  /** Whether every entry must come, so that a hole shows. */
  #isWhole: boolean
  #isNarrowed = false
  /** Index up to which the log was examined for us; undefined before the port has said where it begins. */
  #examined: number | undefined
  /** The highest index that was handed out. */
  #highest = -1
  readonly #given = new Map<number, GivenEntry>()

  // Of the present connection:
  readonly #openings = new Map<number, ClaimedEntry>()
  readonly #unproven = new Map<number, ClaimedEntry>()
  /** Index after which the next entry must come. */
  #position: number | undefined
  #atLeast = 0

  constructor(trust: Pick<Trust, "prove" | "size">, after: number | undefined, isWhole: boolean) {
    this.#trust = trust
    this.#isWhole = isWhole
    this.#examined = after
    if (after !== undefined) this.#highest = after
  }

  /** Entries may be left out from here on. True the first time. */
  narrow(): boolean {
    const isNew = !this.#isNarrowed
    this.#isNarrowed = true
    this.#isWhole = false
    return isNew
  }

  /** A connection begins. Gives the index after which it has to; undefined for "from now on". */
  begin(): number | undefined {
    this.#openings.clear()
    this.#unproven.clear()
    this.#atLeast = this.#trust.size
    const [oldest] = [...this.#given.keys()].sort((a, b) => a - b)
    this.#position = oldest === undefined ? this.#examined : oldest - 1
    return this.#position
  }

  /**
   * Takes one frame; gives the entry that it brings, if that is a new one.
   * @throws PosternError PROOF_INVALID, NOTE_INVALID, ENTRY_SYNTAX; the problem with which the port ends the tail
   */
  async take({ event, id, data }: SentFrame): Promise<LogEntry | undefined> {
    const value = data === "" ? undefined : parseData(data)
    if (event === "problem") throw problemOf(value)
    if (event === "checkpoint") await this.#prove((value ?? {}) as ProofAnswer)
    if (event === "opening") this.#takeOpening(readClaim(value))
    const entry = event === "entry" ? this.#takeEntry(readClaim(value)) : undefined
    if (id !== undefined && id > (this.#examined ?? -2)) this.#examined = id
    this.#position ??= id
    return entry
  }

  #takeOpening(claim: ClaimedEntry): void {
    addClaim(this.#openings, claim)
    addClaim(this.#unproven, claim)
    // It goes to the end of the queue: those that were named longest ago are forgotten first.
    this.#openings.delete(claim.index)
    this.#openings.set(claim.index, claim)
    for (const index of this.#openings.keys()) {
      if (this.#openings.size <= openingsMax || this.#unproven.has(index)) break
      this.#openings.delete(index)
    }
  }

  #takeEntry(claim: ClaimedEntry): LogEntry | undefined {
    const { index } = claim
    this.#demandNext(index)
    this.#position = index
    if (claim.opensStream) this.#takeOpening(claim)
    else addClaim(this.#unproven, claim)
    if (this.#unproven.size > unprovenMax) {
      throw new PosternError("PROOF_INVALID", "the port sends entries and never proves them")
    }
    const opening = openingOf(claim, this.#openings)
    const before = this.#given.get(index)
    if (before !== undefined) {
      demandSame(before.claim, claim)
      demandSame(before.opening, opening)
    }
    // Sent again for the sake of the proof.
    if (index <= this.#highest) return undefined
    const entry = makeEntry(claim, opening, false)
    this.#given.set(index, { claim, opening, entry })
    this.#highest = index
    return entry
  }

  /** In order; and what is sent again for the sake of its proof must come, all of it. */
  #demandNext(index: number): void {
    const last = this.#position
    if (last === undefined) return
    const isNext = this.#isWhole ? index === last + 1 : index > last
    const isRepeat = last < this.#highest
    const left = isRepeat
      ? [...this.#given.keys()].find((at) => last < at && at < index)
      : undefined
    if (isNext && left === undefined) return
    throw new PosternError(
      "PROOF_INVALID",
      `entry ${index} after ${last}, where ${left ?? last + 1} belongs`,
    )
  }

  async #prove(answer: ProofAnswer): Promise<void> {
    const size = await this.#trust.prove([...this.#unproven.values()], answer, this.#atLeast)
    this.#atLeast = size
    for (const index of this.#unproven.keys()) {
      if (index >= size) continue
      this.#unproven.delete(index)
      const given = this.#given.get(index)
      if (given !== undefined) given.entry.verified = true
      this.#given.delete(index)
    }
  }
}

function parseData(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new PosternError("PROOF_INVALID", "a frame of the tail is not JSON", { cause })
  }
}
