import type { Tell } from "../lifetime/index.ts"
import { LossFile } from "./loss-file.ts"
import { Backlog, type Outgoing } from "./pressure/index.ts"
import type { WayOut } from "./source.ts"

/** Events that wait in memory for room in the spool. */
const backlogBytesMax = 1024 * 1024
/** No producer is kept waiting for longer; then what it brings is lost, and counted. */
const stallMs = 5_000
const retryMs = 100
const lossReason = "the spool of the agent was full for too long"
const goneReason = "the agent ended before these losses could be written"

/** Where the connections of a source put what they bring. Who waits for room is told when there is some, or when waiting has been long enough. */
export class Inlet {
  readonly #outbound: WayOut
  readonly #backlog = new Backlog({ bytesMax: backlogBytesMax, stallMs, reason: lossReason })
  readonly #losses: LossFile
  readonly #waiting = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(outbound: WayOut, directory: string, tell: Tell) {
    this.#outbound = outbound
    this.#losses = new LossFile(directory, tell)
    const lost = this.#losses.read()
    if (lost > 0) this.#backlog.add([{ lost, reason: goneReason }], Date.now())
    this.#drain()
    this.#timer = setInterval(() => this.#drain(), retryMs)
  }

  /** Whether the producer is to wait: whenOpen() calls back. */
  get isHolding(): boolean {
    return this.#backlog.isHolding(Date.now())
  }

  get isFull(): boolean {
    return !this.#backlog.isEmpty
  }

  whenOpen(go: () => void): void {
    this.#waiting.add(go)
  }

  add(items: readonly Outgoing[]): void {
    if (items.length === 0) return
    if (!this.#backlog.isEmpty) return this.#keep(items)
    const done = this.#outbound.put(items)
    if (done < items.length) this.#keep(items.slice(done))
  }

  #keep(items: readonly Outgoing[]): void {
    this.#backlog.add(items, Date.now())
  }

  #drain(): void {
    this.#backlog.drain((items) => this.#outbound.put(items))
    // Killed now, the agent loses what waits, besides what is lost already.
    this.#losses.write(this.#backlog.count)
    if (this.#backlog.isEmpty) this.#outbound.put(this.#outbound.notices())
    if (this.isHolding) return
    for (const go of this.#waiting) go()
    this.#waiting.clear()
  }

  /** What finds no room now is remembered as lost, and told by the next agent. */
  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#backlog.drain((items) => this.#outbound.put(items))
    this.#losses.write(this.#backlog.count, true)
  }
}
