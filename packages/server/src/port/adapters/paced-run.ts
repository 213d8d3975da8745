import { limits } from "@postern/log/base"
import type { AdapterBody, AdapterRegion, AdapterRun } from "./api.ts"
import type { Items } from "./items.ts"
import { createRun, type Shape } from "./run.ts"

/**
 * As createRun, for items that take long to be read: a region ends where they have as many bytes as a record that is read may have,
 * so that what is made of a body can be made in pieces.
 */
export function createPacedRun(items: Items, shape: Shape, body: AdapterBody): AdapterRun {
  const paced = new PacedItems(items)
  const run = createRun(paced, shape, body)
  return {
    next(to, limit, eventsMax): AdapterRegion | undefined {
      paced.goOn()
      return run.next(to, limit, eventsMax)
    },
  }
}

/** Items of which no more are there for now once those that were passed have `recordReadBytesMax` bytes. */
class PacedItems implements Items {
  readonly #items: Items
  #bytes = 0

  constructor(items: Items) {
    this.#items = items
  }

  get at(): number {
    return this.#items.at
  }

  get end(): number {
    return this.#items.end
  }

  get done(): boolean {
    return this.#items.done || this.#bytes >= limits.recordReadBytesMax
  }

  advance(): void {
    this.#bytes += this.end - this.at
    this.#items.advance()
  }

  goOn(): void {
    this.#bytes = 0
  }
}
