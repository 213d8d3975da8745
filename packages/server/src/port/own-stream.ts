import { encodeUtf8, limits } from "@postern/log/base"
import { batchKind } from "../disk/index.ts"
import type { Clock } from "./clock.ts"
import type { PortMemory, Sequencer } from "./sequencer/index.ts"
import type { SlotOwner } from "./slot-owner.ts"

/** What happened to one of the port's own entries. */
export interface OwnEntry {
  readonly action: string
  readonly outcome: "success" | "denied" | "failure" | "error" | "unknown"
  readonly targets?: readonly { readonly type: string; readonly id: string }[]
  readonly data: Record<string, unknown>
  /** Peers cause it, as often as they like: it has to leave room for what the log must say of itself. */
  readonly yields?: true
  /** Called when it has its index, before it is durable. */
  readonly placed?: (index: number) => void
}

/** Bound on an entry of the port's own that is placed at once: a writer's id of 2 KiB stands twice in it. */
export const ownBytesMax = 8192
const waitingMax = 8192
const yieldingMax = 4096

/**
 * The port's own stream: its acts and what it refused are entries like any other. Entries that find no room wait here,
 * in order; there are few, since whoever causes them is counted and not repeated.
 */
export class OwnStream {
  readonly #memory: PortMemory
  readonly #sequencer: Sequencer<SlotOwner>
  readonly #clock: Clock
  readonly #origin: string
  readonly #kick: () => void
  #open: number | undefined
  #next = 0
  /** Own entries that found no room to wait in, while the disk was full: their number becomes an entry. */
  #lost = 0
  #waiting: { text: Uint8Array; placed: ((index: number) => void) | undefined }[] = []

  /** @param kick called after something was placed: it is to become durable even if nobody else has anything to say */
  constructor(
    memory: PortMemory,
    sequencer: Sequencer<SlotOwner>,
    clock: Clock,
    origin: string,
    kick: () => void,
  ) {
    this.#memory = memory
    this.#sequencer = sequencer
    this.#clock = clock
    this.#origin = origin
    this.#kick = kick
  }

  /** Whether own entries wait for room: what comes after what they are about waits as well. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Whether an entry that is recorded now is placed at once. */
  get hasRoom(): boolean {
    return !this.isWaiting && this.#sequencer.fits(1, ownBytesMax)
  }

  get open(): number {
    return this.#open ?? 0
  }

  record(entry: OwnEntry): void {
    const text = encodeUtf8(
      JSON.stringify({
        id: this.#clock.eventId(),
        time: new Date(this.#clock.milliseconds()).toISOString(),
        source: `postern://${this.#origin}`,
        action: entry.action,
        outcome: entry.outcome,
        actor: { type: "system", id: "port" },
        targets: entry.targets ?? [],
        data: entry.data,
      }),
    )
    const most = entry.yields ? yieldingMax : waitingMax
    if (this.#waiting.length < most) this.#waiting.push({ text, placed: entry.placed })
    else this.#lost += 1
    this.placeWaiting()
  }

  /** Places what waits, as far as there is room. */
  placeWaiting(): void {
    let done = 0
    for (const { text, placed } of this.#waiting) {
      if (!this.#sequencer.fits(1, text.length)) break
      const index = this.#place(text)
      placed?.(index)
      done += 1
    }
    if (done > 0) this.#waiting = this.#waiting.slice(done)
    if (this.#lost === 0 || this.#waiting.length > 0) return
    const count = this.#lost
    this.#lost = 0
    this.record({ action: "postern.own.lost", outcome: "failure", data: { count } })
  }

  #place(text: Uint8Array): number {
    const { core, events, rows } = this.#memory
    const view = new DataView(core.memory.buffer, core.memory.byteOffset)
    view.setUint32(events, text.length)
    core.memory.set(text.subarray(0, limits.entryBytesMax), events + 4)
    core.split(events, events + 4 + text.length, rows, 1)
    // The first entry of a life of the port opens the stream and names itself.
    this.#open ??= this.#sequencer.next
    const index = this.#sequencer.next
    this.#sequencer.place({
      count: 1,
      open: this.#open,
      sequence: this.#next,
      events: 1,
      kind: batchKind.port,
      changed: 0,
      received: this.#clock.microseconds(),
      seed: this.#clock.seed(),
      digest: new Uint8Array(32),
      owner: undefined,
    })
    this.#next += 1
    this.#kick()
    return index
  }
}
