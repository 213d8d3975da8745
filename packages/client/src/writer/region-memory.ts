/** A region lies in the smallest of these that it fits into; a short one in memory of its own. */
const bufferSizes = [8_192, 16_384, 32_768, 65_536] as const
const shortBytes = 4_096
/** Buffers that nobody uses are kept up to so many bytes together: an outage leaves more behind. */
const sparesBytesMax = 3 * 1024 * 1024

/**
 * Memory for the regions of frames, used again and again. Each in a buffer of its own would be as quick, but V8 collects what lies outside
 * its heap only once there are 64 MB of it.
 *
 * A region belongs to its frame, and is given back when the frame gives it up (`frame.region` is undefined then). So whoever has waited for
 * anything looks whether it is the frame's still.
 */
export class RegionMemory {
  readonly #spares = new Map<number, Buffer[]>(bufferSizes.map((size) => [size, []]))
  #sparesBytes = 0
  readonly #lent = new Map<ArrayBufferLike, Buffer>()

  /** A buffer of at least so many bytes; no region has more than the largest. */
  take(bytes: number): Buffer {
    const size = bufferSizes.find((each) => each >= bytes) ?? bytes
    const spare = this.#spares.get(size)?.pop()
    if (spare !== undefined) this.#sparesBytes -= size
    const buffer = spare ?? Buffer.allocUnsafeSlow(size)
    this.#lent.set(buffer.buffer, buffer)
    return buffer
  }

  /** A copy of a region that cannot stay where it is. */
  copyOf(region: Buffer): Buffer {
    if (region.length < shortBytes) return Buffer.from(region)
    const buffer = this.take(region.length)
    buffer.set(region)
    return buffer.subarray(0, region.length)
  }

  /** Nobody looks at the region any more. One in memory of its own is let be. */
  giveBack({ buffer }: Buffer): void {
    const lent = this.#lent.get(buffer)
    if (lent === undefined) return
    this.#lent.delete(buffer)
    if (this.#sparesBytes + lent.length > sparesBytesMax) return
    this.#spares.get(lent.length)?.push(lent)
    this.#sparesBytes += lent.length
  }
}
