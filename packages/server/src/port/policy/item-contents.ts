import type { LargeEvent } from "./sifted-batch.ts"

/** Where the time stands that the port filled in, from the event's first byte. */
export interface FilledIn {
  readonly from: number
  readonly to: number
}

/**
 * What two copies of an event have in common, for the salts of what leaves it: its bytes without the time that the port filled in. So what comes
 * again gets the same disclosures.
 */
export class ItemContents {
  #time: FilledIn | undefined
  /** Many values may leave one event. */
  readonly #contents = new WeakMap<Uint8Array, Uint8Array>()

  /** Of the event that is sifted from now on; undefined if its time is its sender's. */
  use(time: FilledIn | undefined): void {
    this.#time = time
  }

  /** @param item the event that is sifted now, with what lies beside it or without */
  of(item: Uint8Array): Uint8Array {
    const time = this.#time
    if (time === undefined) return item
    const known = this.#contents.get(item)
    if (known !== undefined) return known
    const content = new Uint8Array(item.length - time.to + time.from)
    content.set(item.subarray(0, time.from))
    content.set(item.subarray(time.to), time.from)
    this.#contents.set(item, content)
    return content
  }

  /** The same steps; others may be sifted between them. */
  during(time: FilledIn | undefined, sift: LargeEvent): LargeEvent {
    const use = (): void => this.use(time)
    return function* siftOf(beside) {
      const steps = sift(beside)
      for (;;) {
        use()
        const step = steps.next()
        if (step.done) return step.value
        yield
      }
    }
  }
}
