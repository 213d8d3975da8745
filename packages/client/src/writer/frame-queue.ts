import { FrameBlock } from "./frame-block.ts"
import { bytesOf, endOf, type SpoolFrame } from "./spool-frame.ts"

/** The frames in order, with the oldest at the front. In memory, as little of them as the spool's files allow. */
export class FrameQueue implements Iterable<SpoolFrame> {
  /** None of them is empty. */
  #blocks: FrameBlock[] = []
  /** Frames of the first block that have left. */
  #head = 0
  #length = 0
  #bytes = 0

  get length(): number {
    return this.#length
  }

  /** Of all frames and what is handed over before them. */
  get bytes(): number {
    return this.#bytes
  }

  get first(): SpoolFrame | undefined {
    return this.#blocks[0]?.frames[this.#head]
  }

  get last(): SpoolFrame | undefined {
    return this.#blocks.at(-1)?.frames.at(-1)
  }

  push(frame: SpoolFrame): void {
    const last = this.#blocks.at(-1)
    if (last?.hasRoomFor(frame) === true) last.push(frame)
    else {
      last?.pack()
      this.#blocks.push(new FrameBlock([frame]))
    }
    this.#length += 1
    this.#bytes += bytesOf(frame)
  }

  shift(): SpoolFrame | undefined {
    const [block] = this.#blocks
    const frame = block?.frames[this.#head]
    if (block === undefined || frame === undefined) return undefined
    this.#head += 1
    if (this.#head === block.length) {
      this.#blocks.shift()
      this.#head = 0
    }
    this.#length -= 1
    this.#bytes -= bytesOf(frame)
    return frame
  }

  /** The frame that holds the event at this position. */
  find(position: number): SpoolFrame | undefined {
    const [block, index] = this.#search(position)
    const frame = this.#blocks[block]?.frames[index]
    return frame !== undefined && frame.position <= position ? frame : undefined
  }

  /** The frames from the one that holds `position` on. */
  *from(position: number): Generator<SpoolFrame> {
    const [block, index] = this.#search(position)
    let from = index
    for (let at = block; at < this.#blocks.length; at++) {
      const { frames } = this.#blocks[at] as FrameBlock
      for (; from < frames.length; from++) yield frames[from] as SpoolFrame
      from = 0
    }
  }

  [Symbol.iterator](): Generator<SpoolFrame> {
    return this.from(this.first?.position ?? 0)
  }

  /** Puts one gap in the place of the frames that lie in `[position, end)`, which begins and ends with a frame. */
  replace(position: number, end: number, gap: SpoolFrame): void {
    const [block, from] = this.#search(position)
    const [last, to] = this.#search(end)
    const gone = this.#blocks.slice(block, last + 1).flatMap(({ frames }, at) => {
      return frames.slice(at === 0 ? from : 0, block + at === last ? to : undefined)
    })
    const before = this.#blocks[block]?.frames.slice(0, from) ?? []
    const behind = this.#blocks[last]?.frames.slice(to) ?? []
    this.#blocks.splice(block, last + 1 - block, new FrameBlock([...before, gap, ...behind]))
    this.#length += 1 - gone.length
    this.#bytes += bytesOf(gap) - gone.reduce((sum, frame) => sum + bytesOf(frame), 0)
  }

  /** No frame has a chain digest any more. */
  forgetDigests(): void {
    for (const block of this.#blocks) block.forgetDigests()
  }

  /** Block, and index in it, of the first frame that ends behind `position`; behind the last block if there is none. */
  #search(position: number): readonly [block: number, index: number] {
    const block = lowest(this.#blocks.length, (at) => {
      return (this.#blocks[at] as FrameBlock).end > position
    })
    const frames = this.#blocks[block]?.frames ?? []
    const head = block === 0 ? this.#head : 0
    const index = lowest(frames.length - head, (at) => {
      return endOf(frames[head + at] as SpoolFrame) > position
    })
    return [block, head + index]
  }
}

/** The lowest number below `count` for which it is so, if it is so from there on; else `count`. */
function lowest(count: number, isSo: (at: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isSo(middle)) high = middle
    else low = middle + 1
  }
  return low
}
