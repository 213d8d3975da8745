/** Which needles of two or three bytes share one of the eight bits of a byte. */

import { byteWeights } from "./usual-bytes.ts"

/** What needles.ts knows of a needle; lower-case where case does not matter. */
interface Text {
  readonly text: string
  readonly anyCase: boolean
}

const bucketCount = 8
/** Needles are put elsewhere while that makes something better, so many times at most. */
const roundsMax = 4

/** What is looked for: for each of three bytes a bit for every half that it may have. */
interface Shape {
  readonly low: readonly number[]
  readonly high: readonly number[]
}

const nothing: Shape = { low: [0, 0, 0], high: [0, 0, 0] }
const anyHalf = 0xffff

/** A bucket, 0 to 7, for each needle, so that few bytes of an event look like one. */
export function chooseBuckets(needles: readonly Text[]): readonly number[] {
  const shapes = needles.map(shapeOf)
  const shared = Array.from({ length: bucketCount }, () => new Bucket())
  const bucketOf: number[] = shapes.map(() => -1)
  // The commonest first, since they ask for a bucket of their own.
  const order = [...shapes.keys()].sort((a, b) => weightAt(shapes, b) - weightAt(shapes, a))
  for (let round = 0; round < roundsMax; round++) {
    let moved = false
    for (const i of order) {
      const shape = shapes[i] ?? nothing
      const before = bucketOf[i] ?? -1
      shared[before]?.remove(shape)
      const bucket = cheapest(shape, shared)
      shared[bucket]?.add(shape)
      bucketOf[i] = bucket
      moved ||= bucket !== before
    }
    if (!moved) break
  }
  return bucketOf
}

function weightAt(shapes: readonly Shape[], i: number): number {
  return weightOf(shapes[i] ?? nothing)
}

class Bucket {
  readonly #shapes: Shape[] = []
  #all: Shape = nothing
  #weight = 0

  add(shape: Shape): void {
    this.#shapes.push(shape)
    this.#become(union(this.#all, shape))
  }

  remove(shape: Shape): void {
    this.#shapes.splice(this.#shapes.indexOf(shape), 1)
    this.#become(this.#shapes.reduce(union, nothing))
  }

  /** By how much it becomes worse if it takes this one in. */
  costOf(shape: Shape): number {
    return weightOf(union(this.#all, shape)) - this.#weight
  }

  #become(all: Shape): void {
    this.#all = all
    this.#weight = weightOf(all)
  }
}

function cheapest(shape: Shape, shared: readonly Bucket[]): number {
  const costs = shared.map((bucket) => bucket.costOf(shape))
  return costs.indexOf(Math.min(...costs))
}

function shapeOf({ text, anyCase }: Text): Shape {
  const low = [anyHalf, anyHalf, anyHalf]
  const high = [anyHalf, anyHalf, anyHalf]
  for (const [i, letter] of [...text].entries()) {
    const byte = letter.charCodeAt(0)
    const other = anyCase ? letter.toUpperCase().charCodeAt(0) : byte
    low[i] = (1 << (byte & 15)) | (1 << (other & 15))
    high[i] = (1 << (byte >> 4)) | (1 << (other >> 4))
  }
  return { low, high }
}

/** How often bytes of events look like this, in a measure of its own. */
function weightOf(shape: Shape): number {
  let weight = 1
  for (let i = 0; i < 3; i++) {
    let sum = 0
    for (let high = 0; high < 16; high++) {
      if ((((shape.high[i] ?? 0) >> high) & 1) === 0) continue
      for (let low = 0; low < 16; low++) {
        if ((((shape.low[i] ?? 0) >> low) & 1) === 1) sum += byteWeights[16 * high + low] ?? 0
      }
    }
    weight *= sum
  }
  return weight
}

function union(a: Shape, b: Shape): Shape {
  const or = (of: readonly number[], and: readonly number[]): number[] =>
    of.map((bits, i) => bits | (and[i] ?? 0))
  return { low: or(a.low, b.low), high: or(a.high, b.high) }
}
