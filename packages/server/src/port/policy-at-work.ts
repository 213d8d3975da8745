import type { KeptOut } from "@postern/log/event"
import type { AlteredEvent } from "@postern/log/wire"
import { type Policy, retentionRule, shortLivedClasses } from "../policy/rules/index.ts"
import type { Clock } from "./clock.ts"
import type { OwnStream } from "./own-stream.ts"
import {
  type BatchToSift,
  FigureCounts,
  type KeptLess,
  type LargeEvent,
  type PolicyFigures,
  type SealedValue,
  Sifting,
} from "./policy/index.ts"
import type { PortMemory } from "./sequencer/index.ts"
import { sequencesAt, Tallies } from "./tallies.ts"

/** Where values go that leave events (docs/spec/disclosures.md); what they are sealed with. */
export interface PolicyKeys {
  /** HMAC-SHA-256 under the present key, in base64url; `parts` are joined with 0x00. */
  mac(parts: readonly Uint8Array[]): { readonly kid: string; readonly digest: string }
  pseudonymOf(subject: string): string
  /**
   * A disclosure with the salt that this place of this item of this writer always gets, as long as the subject is not erased. Stores nothing.
   * @param name undefined for an element of an array
   */
  keepOutAt(
    writer: string,
    item: Uint8Array,
    at: number,
    name: string | undefined,
    value: Uint8Array,
    subject: string | undefined,
  ): KeptOut
  put(index: number, under: SealedValue["under"], digest: string, json: Uint8Array): void
}

export interface PolicyAtWorkWorld {
  readonly memory: PortMemory
  readonly clock: Clock
  readonly own: Pick<OwnStream, "record">
  readonly keys: PolicyKeys
  /** The state of what belongs to entries is unknown: the process must end. */
  fatal(error: unknown): void
}

interface Less {
  readonly writer: string
  readonly rule: string
  readonly digest: string
  readonly did: string
}

/** What is not kept at all; its sequences are named. */
const notKept: ReadonlySet<string> = new Set(["dropped", "sampled", "deduplicated"])
const lostEveryMs = 1000
const lessEveryMs = 60_000
/** Beyond so many kinds they are counted together. */
const kindsMax = 1024

/** Applies the policy in force to what comes, and says in the log what it kept less. */
export class PolicyAtWork {
  readonly #keys: PolicyKeys
  readonly #fatal: (error: unknown) => void
  readonly #sifting: Sifting
  readonly #lost: Tallies<Less>
  readonly #less: Tallies<Less>
  readonly #figures = new FigureCounts()
  #writer = ""

  constructor({ memory, clock, own, keys, fatal }: PolicyAtWorkWorld) {
    this.#keys = keys
    this.#fatal = fatal
    const now = (): number => clock.milliseconds()
    const write = (who: Less, data: object): void =>
      own.record({
        action: "postern.policy.tally",
        outcome: "success",
        yields: true,
        targets: [{ type: "writer", id: who.writer }],
        data: { ...who, ...data },
      })
    this.#lost = new Tallies(lostEveryMs, now, write)
    this.#less = new Tallies(lessEveryMs, now, write)
    this.#sifting = new Sifting({
      memory,
      now,
      keys: {
        mac: (parts) => keys.mac(parts),
        keepOut: (under, name, value, item, at) => {
          const subject = "subject" in under ? under.subject : undefined
          return {
            ...keys.keepOutAt(this.#writer, item, at, name, value, subject),
            pseudonym: subject === undefined ? undefined : keys.pseudonymOf(subject),
          }
        },
      },
    })
  }

  use(policy: Policy): void {
    this.#figures.decided(this.#sifting.takeDecided())
    this.#sifting.use(policy, shortLivedClasses(retentionRule(policy.retention)))
  }

  /** As Sifting.sift. */
  sift(batch: BatchToSift): number {
    this.#writer = batch.writer
    return this.#sifting.sift(batch)
  }

  /** As Sifting.inForce. */
  get inForce(): object | undefined {
    return this.#sifting.inForce
  }

  /** As Sifting.largeEvent; others may be sifted between its steps. */
  largeEvent(batch: BatchToSift, row: number): LargeEvent | undefined {
    const sift = this.#sifting.largeEvent(batch, row)
    if (sift === undefined) return undefined
    const take = (): void => {
      this.#writer = batch.writer
    }
    return function* siftOf(beside) {
      const steps = sift(beside)
      for (;;) {
        take()
        const step = steps.next()
        if (step.done) return step.value
        yield
      }
    }
  }

  undo(): void {
    this.#sifting.undo()
  }

  /**
   * The batch has its place: values that left its events are sealed before it is acknowledged, and what was kept less is counted.
   * Gives the events that are kept otherwise than they came, as views that hold until the next batch.
   * @param sequence of the first row, in a stream that its writer numbers
   */
  placed(
    writer: string,
    batch: { count: number; first: number; sequence?: number; stream?: string },
  ): readonly AlteredEvent[] {
    const { less, altered, sealed } = this.#sifting.placed(batch.count, batch.first)
    for (const value of sealed) this.#seal(value)
    if (less.length > 0) this.#count(writer, less, batch)
    for (const one of less) this.#figures.kept(writer, one)
    return altered
  }

  /** Its entry has its place already: without the value it must not become durable. */
  #seal({ index, under, digest, json }: SealedValue): void {
    try {
      this.#keys.put(index, under, digest, json)
    } catch (error) {
      this.#fatal(error)
      throw error
    }
  }

  /** What was done since the start. */
  figures(): PolicyFigures {
    this.#figures.decided(this.#sifting.takeDecided())
    return this.#figures.figures()
  }

  /** Writes the counts that have waited long enough; all of them if `everything`. Called about once a second. */
  flush(everything = false): void {
    this.#lost.flush(everything)
    this.#less.flush(everything)
  }

  #count(
    writer: string,
    all: readonly KeptLess[],
    { sequence, stream }: { sequence?: number; stream?: string },
  ): void {
    // Of one batch, and so of one policy.
    const kinds = new Map<string, { who: Less; positions: number[] }>()
    for (const { rule, digest, did, position } of all) {
      const kind = `${did} ${rule}`
      const known = kinds.get(kind)
      if (known !== undefined) known.positions.push(position)
      else kinds.set(kind, { who: { writer, rule, digest, did }, positions: [position] })
    }
    for (const [kind, { who, positions }] of kinds) {
      const key = `${kind} ${who.digest} ${writer}`
      const isLost = notKept.has(who.did)
      const tallies = isLost ? this.#lost : this.#less
      const isKnown = tallies.has(key) || tallies.size < kindsMax
      const { length: count } = positions
      const place = isLost ? { stream, sequences: sequencesAt(sequence, positions) } : {}
      if (isKnown) tallies.add(key, who, { count, ...place })
      else tallies.add(`${who.did} others`, { ...who, writer: "others", rule: "others" }, { count })
    }
  }
}
