import { assert, limits } from "@postern/log/base"
import type { Changed, KeptOut } from "@postern/log/event"
import type { AdapterBody, AdapterRegion, AdapterRun } from "./api.ts"
import type { Items } from "./items.ts"
import { Pen } from "./pen.ts"

/** How one adapter makes an event of an item. */
export interface Shape {
  /**
   * Looks at the item `[at, end)`. Says what the stamp's `c` will be; undefined for an item of
   * which it is certain that the scanner refuses what is written.
   */
  look(at: number, end: number): 0 | 1 | 2 | undefined
  /**
   * Takes values out of the event of the item looked at last, the largest first, until it has at
   * most `bytesMax` bytes: write() writes their digests from then on. Undefined if that cannot be.
   */
  keepOut(bytesMax: number): readonly KeptOut[] | undefined
  /**
   * Bytes that write() takes at most for the item looked at last; a quick guess on the safe side.
   */
  bytesAtMost(): number
  /** Writes the item looked at last. Called with a lifted pen first if the guess is too much. */
  write(pen: Pen): void
}

const lengthBytes = 4
/** What stands for an event that fits in no entry: it lacks everything, so it is refused. */
const standIn = "{}"
/** An event of this size fits an entry whatever its stamp. */
const eventBytesSure = limits.entryBytesMax - limits.stampBytesMax - 1

/** Regions out of items: everything that is the same for all adapters. */
export function createRun(items: Items, shape: Shape, body: AdapterBody): AdapterRun {
  return new Run(items, shape, body)
}

/** An event that is ready to be written. */
interface Fitted {
  readonly changed: Changed | undefined
  /** At most; more than an entry has if it does not fit. */
  readonly bytes: number
  readonly values: readonly KeptOut[]
}

const noValues: readonly KeptOut[] = []
const tooLarge: Fitted = { changed: undefined, bytes: Number.MAX_SAFE_INTEGER, values: noValues }

class Run implements AdapterRun {
  readonly #items: Items
  readonly #shape: Shape
  readonly #pen: Pen
  readonly #itemBytesMax: number
  /** The present item, if it was looked at and is not written yet: making disclosures twice would cost. */
  #fitted: Fitted | undefined

  constructor(items: Items, shape: Shape, body: AdapterBody) {
    this.#items = items
    this.#shape = shape
    this.#pen = new Pen(body.core.memory)
    this.#itemBytesMax = body.itemBytesMax
  }

  next(to: number, limit: number, eventsMax: number): AdapterRegion | undefined {
    assert(eventsMax > 0, "a region may hold an event")
    const items = this.#items
    if (items.done) return undefined
    const lost: number[] = []
    const keptOut: { position: number; values: readonly KeptOut[] }[] = []
    let changed: Changed | undefined
    let count = 0
    let at = to
    while (!items.done && count < eventsMax) {
      const room = Math.min(limit - at - lengthBytes, limits.entryBytesMax)
      if (room < standIn.length) break
      this.#fitted ??= this.#fit(room)
      const fitted = this.#fitted
      const fits = fitted.bytes <= limits.entryBytesMax
      if (fits && fitted.bytes > room) break
      if (fitted.changed !== undefined) {
        if (changed !== undefined && fitted.changed !== changed) break
        changed = fitted.changed
      }
      if (!fits) lost.push(count)
      else if (fitted.values.length > 0) keptOut.push({ position: count, values: fitted.values })
      at = this.#write(at, fitted.bytes)
      count += 1
      this.#fitted = undefined
      items.advance()
    }
    return { count, end: at, changed: changed ?? 0, keptOut, tooLarge: lost }
  }

  #fit(room: number): Fitted {
    const { at, end } = this.#items
    if (end - at > this.#itemBytesMax) return tooLarge
    const shape = this.#shape
    const changed = shape.look(at, end)
    const bytes = this.#measure(Math.min(room, eventBytesSure))
    if (bytes <= eventBytesSure) return { changed, bytes, values: noValues }
    const values = changed === undefined ? undefined : shape.keepOut(eventBytesSure)
    // Without values, one that exceeds an entry by its stamp only is refused when that is known.
    if (values === undefined)
      return bytes > limits.entryBytesMax ? tooLarge : { changed, bytes, values: noValues }
    return { changed: 3, bytes: this.#measure(0), values }
  }

  /** Bytes of the event, of which none is written yet. */
  #measure(room: number): number {
    const atMost = this.#shape.bytesAtMost()
    if (atMost <= room) return atMost
    this.#pen.lift()
    this.#shape.write(this.#pen)
    return this.#pen.at
  }

  #write(at: number, bytes: number): number {
    const pen = this.#pen
    pen.lower(at + lengthBytes)
    if (bytes > limits.entryBytesMax) pen.text(standIn)
    else this.#shape.write(pen)
    const written = pen.at - at - lengthBytes
    assert(written <= bytes, "an event is no longer than was measured")
    pen.frame(at, written)
    return pen.at
  }
}
