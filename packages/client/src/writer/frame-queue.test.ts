import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FrameQueue } from "./frame-queue.ts"
import type { Segment } from "./segment.ts"
import { bytesOf, endOf, gapFrame, noParts, type SpoolFrame } from "./spool-frame.ts"

/** Frames know their file and do nothing with it here. */
const segments = Array.from({ length: 3 }, (_, at) => ({ path: `segment-${at}` }) as Segment)

type Making = "plain" | "cached" | "parts" | "gap"

/** Files change every 300 frames, so that blocks are cut short. */
function makeFrame(position: number, number: number, making: Making = "plain"): SpoolFrame {
  const segment = segments[Math.floor(number / 300) % 3] as Segment
  const count = 1 + (number % 7)
  if (making === "gap") return gapFrame(position, position + count, "lost")
  const offset = 16 * number
  const part = { segment, offset, regionBytes: 9 }
  return {
    ...{ kind: "batch", position, count, reason: undefined, digest: undefined },
    ...{ place: { segment, offset: offset + 16 }, regionBytes: 100 + (number % 900) },
    parts: making === "parts" ? [part] : noParts,
    region: making === "cached" ? Buffer.from([number % 256]) : undefined,
  }
}

function fill(queue: FrameQueue, count: number, making?: Making): SpoolFrame[] {
  const frames: SpoolFrame[] = []
  for (let number = 0; number < count; number++) {
    const before = frames.at(-1)
    frames.push(makeFrame(before === undefined ? 0 : endOf(before), number, making))
    queue.push(frames.at(-1) as SpoolFrame)
  }
  return frames
}

interface Step {
  readonly act: "push" | "shift" | "find" | "replace" | "forget"
  readonly times: number
  readonly at: number
  readonly making: Making
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom("push", "push", "shift", "find", "replace", "forget"),
  times: fc.nat({ max: 700 }),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  making: fc.constantFrom("plain", "plain", "plain", "cached", "parts", "gap"),
})

/** A queue, and beside it the plain list that it should be like. */
class Pair {
  readonly queue = new FrameQueue()
  list: SpoolFrame[] = []
  #number = 0
  #end = 0

  apply({ act, times, at, making }: Step): void {
    const index = Math.floor(at * this.list.length)
    const frame = this.list[index]
    if (act === "push") for (let i = 0; i < times; i++) this.#push(making)
    else if (act === "shift") for (let i = 0; i < times; i++) this.#shift()
    else if (act === "forget") this.#forget()
    else if (frame !== undefined && act === "find") this.#find(frame)
    else if (frame !== undefined) this.#replace(index, Math.min(this.list.length, index + times))
  }

  #push(making: Making): void {
    const frame = makeFrame(this.#end, this.#number++, making)
    this.#end = endOf(frame)
    // The queue may keep the frame itself or what it says: the list has one of its own.
    this.queue.push({ ...frame })
    this.list.push(frame)
  }

  #shift(): void {
    expect(this.queue.shift()).toEqual(this.list.shift())
  }

  #find(frame: SpoolFrame): void {
    for (const position of [frame.position, endOf(frame) - 1]) {
      expect(this.queue.find(position)).toEqual(frame)
    }
    const digest = new Uint8Array([this.#number % 256])
    frame.digest = digest
    const found = this.queue.find(frame.position)
    if (found !== undefined) found.digest = digest
  }

  #forget(): void {
    for (const frame of this.list) frame.digest = undefined
    this.queue.forgetDigests()
  }

  #replace(from: number, to: number): void {
    const [first, last] = [this.list[from], this.list[to - 1]]
    if (first === undefined || last === undefined || to <= from) return
    const gap = gapFrame(first.position, endOf(last), "gone")
    this.queue.replace(first.position, endOf(last), { ...gap })
    this.list.splice(from, to - from, gap)
  }

  compare(): void {
    const { queue, list } = this
    expect(queue.length).toBe(list.length)
    expect(queue.bytes).toBe(list.reduce((sum, frame) => sum + bytesOf(frame), 0))
    expect(queue.first).toEqual(list[0])
    // What has left is not found again.
    expect(queue.from(0).next().value).toEqual(list[0])
    expect(queue.find((list[0]?.position ?? 0) - 1)).toBeUndefined()
  }
}

describe("the queue of frames", () => {
  it("is like a plain list, whatever was pushed, looked at, taken out and replaced", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 12 }), (steps) => {
        const pair = new Pair()
        for (const step of steps) {
          pair.apply(step)
          pair.compare()
        }
        const middle = pair.list[pair.list.length >> 1]?.position ?? 0
        const behind = pair.list.filter((frame) => endOf(frame) > middle)
        expect([...pair.queue.from(middle)]).toEqual(behind)
        expect([...pair.queue]).toEqual(pair.list)
        expect(pair.queue.last).toEqual(pair.list.at(-1))
      }),
      { numRuns: 60 },
    )
  })

  it("keeps a frame that somebody has seen the same object, while others come", () => {
    const queue = new FrameQueue()
    const frames = fill(queue, 100)
    const seen = queue.find(frames[50]?.position ?? 0)
    for (let number = 100, at = endOf(frames.at(-1) as SpoolFrame); number < 2_000; number++) {
      queue.push(makeFrame(at, number))
      at += 1 + (number % 7)
    }
    expect(queue.find(frames[50]?.position ?? 0)).toBe(seen)
    expect(queue.find(5_000)).toBe(queue.find(5_000))
  })

  it("takes a few bytes for each frame that is on disk and that nobody has looked at", () => {
    setFlagsFromString("--expose-gc")
    const collect: () => void = runInNewContext("gc")
    const held = (): number => {
      collect()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const queue = new FrameQueue()
    const frames = 100_000
    const before = held()
    for (let number = 0; number < frames; number++) {
      // One event each, as they come when little is written: the worst there is.
      queue.push({ ...makeFrame(number, 0), place: { segment: segments[0]!, offset: number } })
    }
    expect((held() - before) / frames).toBeLessThan(30)
    expect(queue.length).toBe(frames)
    expect(queue.find(frames - 1)?.place?.offset).toBe(frames - 1)
  })
})
