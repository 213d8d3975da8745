import { errorRegistry, formatBase64, PosternError } from "@postern/log/base"
import type { Changed } from "@postern/log/event"
import type {
  BatchOwner,
  BodyOffered,
  DurableBatch,
  DurableSlot,
  OfferedBody,
  SessionPeer,
} from "../session/index.ts"

/** Events of a body as an adapter framed them. */
export interface BodyRegion {
  readonly region: Uint8Array
  readonly count: number
  readonly changed: Changed
  /** Positions in the region of events that exceed an entry. */
  readonly tooLarge: readonly number[]
  readonly keptOut: OfferedBody["keptOut"]
}

export interface PlacementWorld {
  /** Puts what was kept out of the events of a body on stable storage; gives the digests. */
  keepOut(body: OfferedBody): Promise<ReadonlySet<string>>
  offerBody(body: OfferedBody): BodyOffered
  whenRoom(owner: BatchOwner, delayMs: number): void
  afterDurable(callback: () => void): void
}

/** What the sender of a body is told; JSON, docs/reference/write-http.md. */
export interface BodyResult {
  readonly accepted: number
  readonly refused: { position: number; code: string; message: string; hint: string }[]
  /** Positions of events of which the policy keeps less than all. */
  readonly notKept: number[]
  /** Events that the policy changed, as they are kept. */
  readonly altered: { position: number; changed: number; event: string }[]
  readonly duplicates: { position: number; index: number }[]
  readonly entries: { index: number; count: number }[]
  readonly receipts: {
    note: string
    batches: {
      open: number
      sequence: number
      first: number
      count: number
      received: number
      changed: number
      seed: string
      path: string[]
    }[]
  }[]
}

/**
 * Places the regions of one body, one in each turn of the loop, and answers once all of it is durable. A writer that is over
 * its rate, or a port that has no room for longer, refuses the rest: what was placed stays, and a repeat is recognised.
 */
export class BodyPlacement implements BatchOwner {
  readonly #world: PlacementWorld
  readonly #peer: SessionPeer
  readonly #adapter: OfferedBody["adapter"]
  readonly #regions: Iterator<BodyRegion, undefined>
  /** The next one to be offered. */
  #region: BodyRegion | undefined
  /** Digests of what was kept out of the next region and is on stable storage. */
  #kept: ReadonlySet<string> | undefined
  /** Position in the body of the next region's first event. */
  #position = 0
  readonly #result: BodyResult = {
    accepted: 0,
    refused: [],
    notKept: [],
    altered: [],
    duplicates: [],
    entries: [],
    receipts: [],
  }
  #durable: DurableBatch[] = []
  #resolve: (result: BodyResult) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  constructor(
    world: PlacementWorld,
    peer: SessionPeer,
    adapter: OfferedBody["adapter"],
    regions: Iterable<BodyRegion, undefined>,
  ) {
    this.#world = world
    this.#peer = peer
    this.#adapter = adapter
    this.#regions = regions[Symbol.iterator]()
  }

  run(): Promise<BodyResult> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.resume()
    })
  }

  resume(): void {
    try {
      for (;;) {
        this.#region ??= this.#regions.next().value
        if (this.#region === undefined) break
        if (!this.#offerNext(this.#region)) return
        if (this.#region === undefined) {
          // A body may be long: whoever else has something to say is heard before its next region.
          setImmediate(() => this.resume())
          return
        }
      }
      this.#world.afterDurable(() => this.#resolve(this.#result))
    } catch (error) {
      this.#reject(error)
    }
  }

  #offerNext(region: BodyRegion): boolean {
    const from = { owner: this, peer: this.#peer, adapter: this.#adapter }
    if (region.keptOut.length > 0 && this.#kept === undefined) {
      this.#keepOut({ ...from, ...region, kept: new Set() })
      return false
    }
    const offered = this.#world.offerBody({ ...from, ...region, kept: this.#kept ?? new Set() })
    if (offered.kind === "stale") {
      this.#kept = undefined
      return true
    }
    if (offered.kind === "refused") throw new PosternError(offered.code)
    if (offered.kind === "full") {
      if (offered.delayMs > 0) throw new PosternError("RATE_LIMITED")
      this.#world.whenRoom(this, 0)
      return false
    }
    this.#region = undefined
    this.#kept = undefined
    this.#note(offered)
    this.#position += region.count
    return true
  }

  /** First the values, then the entries that name them. */
  #keepOut(body: OfferedBody): void {
    this.#world.keepOut(body).then((kept) => {
      this.#kept = kept
      this.resume()
    }, this.#reject)
  }

  #note(offered: Extract<BodyOffered, { kind: "placed" }>): void {
    const result = this.#result as { accepted: number } & BodyResult
    result.accepted += offered.accepted
    if (offered.accepted > 0) result.entries.push({ index: offered.first, count: offered.accepted })
    for (const { position, index } of offered.duplicates) {
      result.duplicates.push({ position: this.#position + position, index })
    }
    for (const { position, changed, event } of offered.altered) {
      const text = Buffer.from(event).toString()
      result.altered.push({ position: this.#position + position, changed, event: text })
    }
    for (const { code, positions } of offered.refused) {
      if (code === "EVENT_NOT_KEPT") {
        result.notKept.push(...positions.map((position) => this.#position + position))
        continue
      }
      const { message, hint } = errorRegistry[code]
      for (const position of positions) {
        result.refused.push({ position: this.#position + position, code, message, hint })
      }
    }
  }

  durable(batch: DurableBatch): void {
    if (batch.accepted > 0) this.#durable.push(batch)
  }

  flush(slot: DurableSlot): void {
    const batches = this.#durable.map((batch) => ({
      open: batch.open,
      sequence: batch.sequence,
      first: batch.first,
      count: batch.accepted,
      received: batch.received,
      changed: batch.changed,
      seed: formatBase64(batch.seed),
      path: slot.rangePath(batch.first, batch.accepted).map((hash) => formatBase64(hash)),
    }))
    this.#durable = []
    if (batches.length > 0)
      this.#result.receipts.push({ note: Buffer.from(slot.note).toString(), batches })
  }

  superseded(): void {
    // Server-made streams belong to no session.
  }
}
