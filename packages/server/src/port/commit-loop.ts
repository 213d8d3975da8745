import { encodeUtf8, PosternError } from "@postern/log/base"
import type { Head, LogStore } from "../disk/index.ts"
import type { Clock } from "./clock.ts"
import type { Counters } from "./counters.ts"
import {
  type SealedSlot,
  type Sequencer,
  type StreamTable,
  saveStreams,
} from "./sequencer/index.ts"
import type { DurableSlot } from "./session/index.ts"
import type { Signer } from "./signer/index.ts"
import type { SlotOwner } from "./slot-owner.ts"

/** As server/disclosures has it. */
export interface SealedValues {
  /** Whether something is not on stable storage. */
  readonly pending: boolean
  /** Resolves when everything so far is on stable storage. Errors: DISK_FULL, and nothing is lost; others are fatal. */
  flush(): Promise<void>
}

export interface CommitWorld {
  readonly sequencer: Sequencer<SlotOwner>
  readonly store: LogStore
  readonly signer: Signer
  readonly streams: StreamTable
  readonly clock: Clock
  readonly counters: Counters
  /** Values that belong to entries of the open slot and lie beside the log. */
  sealed(): SealedValues | undefined
  /** The other slot is open from now on. */
  roomAppeared(): void
  /** The state of the log is unknown: the process must end. */
  fatal(error: unknown): void
}

const diskFullRetryMs = 500

/**
 * The heart of the port: one slot after the other. Its clock is the disk: a commit begins when the one before has
 * returned, with whatever has come in meanwhile.
 */
export class CommitLoop {
  readonly #world: CommitWorld
  #scheduled = false
  #running = false
  /** A slot is sealed and not yet released. */
  #inFlight = false
  #failed = false
  #stopped = false
  #head: Head | undefined
  /** Since when the disk has been full, in milliseconds; undefined while it is not. */
  #fullSince: number | undefined
  /** The receipt of the last slot, stored with the next one. */
  #receipt: Uint8Array
  /** Waiting for what is in the open slot, and for what is on its way to disk. */
  #afterOpen: (() => void)[] = []
  #afterInFlight: (() => void)[] = []

  constructor(world: CommitWorld, receipt: Uint8Array) {
    this.#world = world
    this.#receipt = receipt
    this.#head = world.store.recoveredHead()
  }

  /** How far the log is durable; undefined before its first slot. */
  get head(): Head | undefined {
    return this.#head
  }

  get diskFullSince(): number | undefined {
    return this.#fullSince
  }

  /** Something was placed. The commit begins after the sockets that are readable now have been read. */
  kick(): void {
    if (this.#scheduled || this.#running || this.#failed || this.#stopped) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#running = true
      this.#run().then(
        () => {
          this.#running = false
          if (this.#world.sequencer.waiting > 0) this.kick()
        },
        (error) => this.fail(error),
      )
    })
  }

  /** Calls back when everything placed so far is durable. */
  afterDurable(callback: () => void): void {
    if (this.#world.sequencer.waiting > 0) this.#afterOpen.push(callback)
    else if (this.#inFlight) this.#afterInFlight.push(callback)
    else queueMicrotask(callback)
  }

  /** Resolves when no commit is going on and none is due; from then on there is none. */
  async stop(): Promise<void> {
    while (!this.#failed && (this.#scheduled || this.#running)) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#stopped = true
  }

  fail(error: unknown): void {
    this.#failed = true
    this.#world.fatal(error)
  }

  async #run(): Promise<void> {
    while (this.#world.sequencer.waiting > 0 && !this.#failed) await this.#commitOne()
  }

  async #commitOne(): Promise<void> {
    const { sequencer, store, clock, counters } = this.#world
    const began = performance.now()
    if (!store.fits(sequencer.slotBytes(this.#receipt)))
      await this.#untilThereIsRoom(() => this.#roll())
    const slot = sequencer.seal(clock.microseconds(), this.#receipt)
    this.#inFlight = true
    this.#afterInFlight.push(...this.#afterOpen)
    this.#afterOpen = []
    const signed = this.#sign(slot)
    const written = this.#untilThereIsRoom(async () => {
      // First what entries name, then the entries: what is missing later was there once.
      const sealed = this.#world.sealed()
      if (sealed?.pending) await sealed.flush()
      await store.commit(slot)
    })
    this.#world.roomAppeared()
    const [note] = await Promise.all([signed, written])
    // Point of no return: the slot is on stable storage. Followers first, then whoever waits for it.
    const head = store.headOf(slot)
    this.#head = head
    await this.#untilThereIsRoom(async () => store.advance(head))
    this.#receipt = note
    counters.slots += 1
    const seconds = (performance.now() - began) / 1000
    counters.commitSeconds += seconds
    counters.commits.add(seconds)
    this.#release(slot, { note, rangePath: slot.rangePath })
  }

  async #sign(slot: SealedSlot<SlotOwner>): Promise<Uint8Array> {
    if (slot.rangeRoot === undefined) return new Uint8Array(0)
    return encodeUtf8(
      await this.#world.signer.signReceipt(slot.first, slot.entries, slot.rangeRoot),
    )
  }

  /** Everything before the open slot is durable and released here, so what the streams call durable is what a new segment needs. */
  async #roll(): Promise<void> {
    const { sequencer, store, streams } = this.#world
    await store.roll({ ...sequencer.segmentStart(), generation: 1, state: saveStreams(streams) })
  }

  /** A full disk stops the acks and nothing else: the same bytes are written again until there is room. */
  async #untilThereIsRoom(write: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await write()
        this.#fullSince = undefined
        return
      } catch (error) {
        if (!(error instanceof PosternError) || error.code !== "DISK_FULL") throw error
        this.#fullSince ??= this.#world.clock.milliseconds()
        await new Promise((resolve) => setTimeout(resolve, diskFullRetryMs))
      }
    }
  }

  #release(slot: SealedSlot<SlotOwner>, durable: DurableSlot): void {
    this.#inFlight = false
    const owners = new Set<NonNullable<SlotOwner>>()
    for (const batch of slot.batches) {
      const stream = this.#world.streams.byOpen(batch.open)
      if (stream !== undefined) {
        stream.durable = { next: batch.sequence + batch.events, digest: batch.digest }
      }
      const { owner } = batch
      if (owner === undefined) continue
      batch.owner = undefined
      owner.durable(batch)
      owners.add(owner)
    }
    for (const owner of owners) owner.flush(durable)
    const callbacks = this.#afterInFlight
    this.#afterInFlight = []
    for (const callback of callbacks) callback()
  }
}
