import { assert, limits } from "@postern/log/base"
import type { AdapterRegion, AdapterRun } from "./api.ts"
import type { Items } from "./items.ts"
import type { Pen } from "./pen.ts"

/** How one adapter makes an event of an item. */
export interface Shape {
  /**
   * Looks at the item `[at, end)`. Says what the stamp's `c` will be; undefined for an item of
   * which it is certain that the scanner refuses what is written.
   */
  look(at: number, end: number): 0 | 1 | 2 | undefined
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

/** Regions out of items: everything that is the same for all adapters. */
export function createRun(items: Items, shape: Shape, pen: Pen): AdapterRun {
  /** Bytes of the event, of which none is written yet. */
  const measure = (room: number): number => {
    const atMost = shape.bytesAtMost()
    if (atMost <= room) return atMost
    pen.lift()
    shape.write(pen)
    return pen.at
  }

  return {
    next(to, limit, eventsMax): AdapterRegion | undefined {
      assert(eventsMax > 0, "a region may hold an event")
      if (items.done) return undefined
      const tooLarge: number[] = []
      let changed: AdapterRegion["changed"] | undefined
      let count = 0
      let at = to
      while (!items.done && count < eventsMax) {
        const room = Math.min(limit - at - lengthBytes, limits.entryBytesMax)
        if (room < standIn.length) break
        let bytes = items.end - items.at
        // No adapter makes an event shorter than its item.
        if (bytes <= limits.entryBytesMax) {
          const next = shape.look(items.at, items.end)
          if (next !== undefined && changed !== undefined && next !== changed) break
          bytes = measure(room)
          if (bytes > room && bytes <= limits.entryBytesMax) break
          if (bytes <= room) changed = next ?? changed
        }
        pen.lower(at + lengthBytes)
        if (bytes > limits.entryBytesMax) {
          tooLarge.push(count)
          pen.text(standIn)
        } else {
          shape.write(pen)
          assert(pen.at - at - lengthBytes <= bytes, "an event is no longer than was measured")
        }
        pen.frame(at, pen.at - at - lengthBytes)
        at = pen.at
        count += 1
        items.advance()
      }
      return { count, end: at, changed: changed ?? 0, tooLarge }
    },
  }
}
