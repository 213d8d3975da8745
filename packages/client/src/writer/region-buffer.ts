import type { RegionMemory } from "./region-memory.ts"

/** The region of a BATCH as it is gathered: each event behind its length. Events are copied, so that nothing of them lives longer. */
export class RegionBuffer {
  readonly #memory: RegionMemory
  readonly #bytes: Buffer
  #end = 0
  #count = 0

  constructor(bytesMax: number, memory: RegionMemory) {
    this.#memory = memory
    this.#bytes = Buffer.allocUnsafeSlow(bytesMax)
  }

  get count(): number {
    return this.#count
  }

  hasRoomFor(eventBytes: number): boolean {
    return this.#end + 4 + eventBytes <= this.#bytes.length
  }

  /** hasRoomFor() says that it may be. */
  add(event: Uint8Array): void {
    this.#bytes.writeUInt32BE(event.length, this.#end)
    this.#bytes.set(event, this.#end + 4)
    this.#end += 4 + event.length
    this.#count += 1
  }

  /** What was gathered; then it is empty. */
  take(): { readonly count: number; readonly region: Buffer } {
    const region = this.#memory.copyOf(this.#bytes.subarray(0, this.#end))
    const whole = { count: this.#count, region }
    this.#end = 0
    this.#count = 0
    return whole
  }
}
