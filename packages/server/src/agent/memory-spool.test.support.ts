import { isLoss, type Outgoing } from "./pressure/index.ts"
import type { WayOut } from "./source.ts"

/** A spool that a test can look into, fill, and kill at any moment. */
export class MemorySpool implements WayOut {
  readonly source = "host://test"
  readonly unwritten = 0
  items: Outgoing[] = []
  /** Positions that find room in all. */
  room = Number.POSITIVE_INFINITY
  isFull = false
  /** How many of them are on stable storage, as was said. */
  confirmed: number | undefined
  own: Uint8Array[] = []

  get taken(): number {
    return this.items.reduce((sum, one) => sum + (isLoss(one) ? one.lost : 1), 0)
  }

  put(items: readonly Outgoing[], from = 0): number {
    for (let at = from; at < items.length; at++) {
      this.isFull = this.items.length >= this.room
      if (this.isFull) return at - from
      const one = items[at] as Outgoing
      this.items.push(isLoss(one) ? one : one.slice())
    }
    return items.length - from
  }

  notices(): Uint8Array[] {
    return this.own.splice(0)
  }

  spooled(): Promise<void> {
    this.confirmed = this.items.length
    return Promise.resolve()
  }

  /** What the next process finds: so many items, which are at least those that were on stable storage. */
  killed(items: number): MemorySpool {
    const next = new MemorySpool()
    next.items = this.items.slice(0, items)
    return next
  }

  /** The lines, losses as `lost N`. */
  get lines(): string[] {
    return this.items.map((one) => (isLoss(one) ? `lost ${one.lost}` : lineOf(one)))
  }

  get reasons(): string[] {
    return this.items.filter(isLoss).map(({ reason }) => reason)
  }
}

function lineOf(event: Uint8Array): string {
  const { data } = JSON.parse(Buffer.from(event).toString()) as { data: Record<string, unknown> }
  return String(data.line ?? data.bytes)
}
