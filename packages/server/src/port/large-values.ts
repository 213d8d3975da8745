import { type ErrorCode, isPosternError, limits } from "@postern/log/base"
import { fastDigest } from "../disclosures/index.ts"
import type { LargeSifted, ValueBeside } from "../policy/sieve/index.ts"
import type { BatchToSift, LargeEvent } from "./policy/index.ts"
import type { PolicyAtWork } from "./policy-at-work.ts"
import { AssemblyPlaces, type BatchOwner } from "./session/index.ts"
import type { Strongroom } from "./strongroom.ts"

/** Values that one event names, together: as much as an event may be. */
const besideBytesMax = limits.disclosureBytesMax + limits.entryBytesMax
/** Values that leave the events of one batch for somebody's key: they are in memory until it is placed. */
const keptOutBytesMax = 2 * limits.disclosureBytesMax

export interface LargeValuesWorld {
  readonly policy: PolicyAtWork
  readonly disclosures: Strongroom
}

/** Where the values of one event come from; undefined if one of them cannot be had. `bytesMax` bounds them together. */
export type ReadValues = (
  digests: readonly string[],
  bytesMax: number,
) => Promise<readonly ValueBeside[] | undefined>

/** Rows that name values beside the log, and the digests of each. */
export type NamedRows = ReadonlyMap<number, readonly string[]>

/** What was made of the events of a batch before it is placed. What is left of their values is on stable storage. */
export interface Prepared {
  readonly batch: unknown
  /** The policy that decided. */
  readonly by: object | undefined
  readonly rows: ReadonlyMap<number, LargeSifted>
  /** The rows that were looked at, those too that are not kept at all. */
  readonly looked: ReadonlySet<number>
  readonly failed: ErrorCode | undefined
}

interface Errand {
  isGivenUp: boolean
  hasPlace: boolean
  readonly writer: string
  prepared: Prepared | undefined
}

/**
 * Has the policy look at values that lie beside the log before their events get their places (docs/spec/policy.md, Large events). That
 * takes time and memory: few batches are at it or wait for their place with what was made of them, one of each writer, and one
 * event after the other is sifted, piece by piece.
 */
export class LargeValues {
  readonly #world: LargeValuesWorld
  readonly #places = new AssemblyPlaces()
  readonly #errands = new Map<BatchOwner, Errand>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(world: LargeValuesWorld) {
    this.#world = world
  }

  /** Whether something is being prepared for this owner. */
  isBusy(owner: BatchOwner): boolean {
    const errand = this.#errands.get(owner)
    return errand !== undefined && errand.prepared === undefined
  }

  /** Whether another policy decides now than when something was prepared for this owner, or nothing was because there was none. */
  isStale(owner: BatchOwner): boolean {
    return this.#errands.get(owner)?.prepared?.by !== this.#world.policy.inForce
  }

  /** What was prepared for this batch, if the policy that decided it decides still. */
  readyFor(owner: BatchOwner, batch: unknown): Prepared | undefined {
    const prepared = this.#errands.get(owner)?.prepared
    if (prepared === undefined || prepared.batch !== batch) return undefined
    return prepared.by === this.#world.policy.inForce ? prepared : undefined
  }

  /**
   * Prepares the rows of a batch that was judged and lies in the core's memory now. Resolves when readyFor() has it; whatever goes
   * wrong is in there. What was prepared for this owner before is let go.
   */
  prepare(
    owner: BatchOwner,
    batch: BatchToSift & { readonly key: unknown },
    named: NamedRows,
    read: ReadValues,
  ): Promise<void> {
    this.release(owner)
    const { policy } = this.#world
    const { writer, key } = batch
    const events = [...named].map(([row, digests]) => {
      return { row, digests, sift: policy.largeEvent(batch, row) }
    })
    const errand: Errand = { isGivenUp: false, hasPlace: false, writer, prepared: undefined }
    this.#errands.set(owner, errand)
    const by = policy.inForce
    const make = async (): Promise<void> => {
      await this.#place(errand)
      const rows = new Map<number, LargeSifted>()
      const failed = await this.#makeAll(errand, events, read, rows)
      if (errand.isGivenUp) this.#leave(errand)
      else errand.prepared = { batch: key, by, rows, looked: new Set(named.keys()), failed }
    }
    return make()
  }

  /** The batch has its place, or nobody wants it any more. */
  release(owner: BatchOwner): void {
    const errand = this.#errands.get(owner)
    if (errand === undefined) return
    this.#errands.delete(owner)
    errand.isGivenUp = true
    // What is at it gives its place back when it stops.
    if (errand.prepared !== undefined) this.#leave(errand)
  }

  async #place(errand: Errand): Promise<void> {
    const { writer } = errand
    await new Promise<void>((resolve) => {
      if (this.#places.take(writer, resolve)) resolve()
    })
    errand.hasPlace = true
  }

  #leave(errand: Errand): void {
    if (errand.hasPlace) this.#places.give(errand.writer)
    errand.hasPlace = false
  }

  async #makeAll(
    errand: Errand,
    events: readonly Wanted[],
    read: ReadValues,
    rows: Map<number, LargeSifted>,
  ): Promise<ErrorCode | undefined> {
    let left = keptOutBytesMax
    try {
      for (const { row, digests, sift } of events) {
        if (errand.isGivenUp) break
        if (sift === undefined) continue
        const made = await this.#inTurn(() => this.#make(digests, sift, read))
        left -= made.keptOut.reduce((bytes, { json }) => bytes + json.length, 0)
        rows.set(row, left < 0 ? refusedAs("EVENT_TOO_LARGE") : { ...made, values: [] })
      }
      return undefined
    } catch (error) {
      if (!isPosternError(error)) throw error
      return error.code
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(act)
    this.#turn = mine.catch(() => undefined) // Whoever asked hears of it.
    return mine
  }

  async #make(
    digests: readonly string[],
    sift: LargeEvent,
    read: ReadValues,
  ): Promise<LargeSifted> {
    const values = await read(digests, besideBytesMax)
    if (values === undefined) return refusedAs("EVENT_DISCLOSURE")
    const steps = sift({ values, digestOf: fastDigest })
    for (;;) {
      const step = this.#next(steps)
      if (step.done) {
        await this.#world.disclosures.keep(step.value.values)
        return step.value
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Whatever a value is that nobody foresaw, its event is refused, and its neighbours are not. */
  #next(steps: ReturnType<LargeEvent>): IteratorResult<void, LargeSifted> {
    try {
      return steps.next()
    } catch (error) {
      if (isPosternError(error)) throw error
      return { done: true, value: refusedAs("EVENT_DISCLOSURE") }
    }
  }
}

interface Wanted {
  readonly row: number
  readonly digests: readonly string[]
  /** Undefined: the event is not kept at all, and so are its values. */
  readonly sift: LargeEvent | undefined
}

function refusedAs(refused: NonNullable<LargeSifted["refused"]>): LargeSifted {
  return { bytes: undefined, refused, did: [], detected: [], keptOut: [], values: [] }
}
