import { assert, formatHex } from "@postern/log/base"
import { streamDigestStart } from "@postern/log/wire"
import {
  endOf,
  FrameQueue,
  type FrameStore,
  type Loss,
  type SpoolFrame,
  type World,
} from "../writer/index.ts"
import type { HeldStream, TableBatch, TableStream } from "./tables.ts"

/** The outbox's batches as frames of their stream, held in memory while they are on their way. */
export class TableFrames implements FrameStore {
  readonly queue = new FrameQueue()
  readonly recoveredEnd: number
  stream: FrameStore["stream"]
  anchor: FrameStore["anchor"]
  ackedAtMs: number
  #bytes = 0
  readonly #record: () => Promise<void>

  /** @param record writes state() into the tables */
  constructor(held: HeldStream, nowMs: number, record: () => Promise<void>) {
    const { id, start, previous, next, acked, digest = streamDigestStart(id), quietMs } = held
    this.stream = { id, start, previous }
    this.anchor = { position: acked, digest }
    this.recoveredEnd = next
    this.ackedAtMs = nowMs - quietMs
    this.#record = record
  }

  /** Of all frames. */
  get bytes(): number {
    return this.#bytes
  }

  /** Behind the last frame. */
  get end(): number {
    const { last } = this.queue
    return last === undefined ? this.anchor.position : endOf(last)
  }

  /** Events in all frames. */
  get events(): number {
    return this.end - this.anchor.position
  }

  /** What the tables should say. */
  get state(): TableStream {
    const { position: acked, digest } = this.anchor
    return { ...this.stream, acked, digest }
  }

  push({ position, events, region }: TableBatch): void {
    assert(position === this.end, `batches follow each other: ${this.end}, not ${position}`)
    this.#bytes += region.length
    this.queue.push({
      ...{ kind: "batch", position, count: events, region, regionBytes: region.length },
      ...{ reason: undefined, place: undefined, parts: [], digest: undefined },
    })
  }

  /** The bytes of a frame are in memory as long as it is in the queue. */
  async load(frame: SpoolFrame): Promise<Buffer | undefined> {
    return frame.region
  }

  async loadPart(): Promise<undefined> {
    return undefined
  }

  abandon(frame: SpoolFrame): Loss {
    throw new Error(`invariant broken: the frame at ${frame.position} is in memory`)
  }

  async recorded(): Promise<void> {
    return undefined
  }

  settle(position: number, digest: Uint8Array, nowMs: number): void {
    for (let frame = this.queue.first; frame !== undefined; frame = this.queue.first) {
      if (endOf(frame) > position) break
      this.queue.shift()
      this.#bytes -= frame.regionBytes
      frame.region = undefined
    }
    this.anchor = { position, digest }
    this.ackedAtMs = nowMs
  }

  async switchStream(world: World): Promise<void> {
    const id = formatHex(world.randomBytes(16))
    const { position } = this.anchor
    this.stream = { id, start: position, previous: this.stream.id }
    this.anchor = { position, digest: streamDigestStart(id) }
    this.queue.forgetDigests()
    await this.#record()
  }
}
