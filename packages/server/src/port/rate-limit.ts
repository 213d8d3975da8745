import type { WriterGrant } from "../access/index.ts"

/** What sums of fractions of a second may be off by; a millionth of an event is no debt. */
const rounding = 1e-6

/** Token buckets of one second's worth per writer. A batch may overdraw; the next one waits until the debt is paid. */
export class RateLimit {
  readonly #buckets = new Map<string, { events: number; bytes: number; at: number }>()

  /** Milliseconds to wait before this writer may send again; 0 = now. */
  waitMs(grant: WriterGrant, now: number): number {
    const bucket = this.#bucket(grant, now)
    if (bucket === undefined) return 0
    const { eventsPerSecond = Infinity, bytesPerSecond = Infinity } = grant
    const events = bucket.events < -rounding ? (-bucket.events / eventsPerSecond) * 1000 : 0
    const bytes = bucket.bytes < -rounding ? (-bucket.bytes / bytesPerSecond) * 1000 : 0
    return Math.ceil(Math.max(events, bytes))
  }

  spend(grant: WriterGrant, events: number, bytes: number, now: number): void {
    const bucket = this.#bucket(grant, now)
    if (bucket === undefined) return
    bucket.events -= events
    bucket.bytes -= bytes
  }

  #bucket(grant: WriterGrant, now: number): { events: number; bytes: number } | undefined {
    const { eventsPerSecond = Infinity, bytesPerSecond = Infinity } = grant
    if (eventsPerSecond === Infinity && bytesPerSecond === Infinity) return undefined
    let bucket = this.#buckets.get(grant.id)
    if (bucket === undefined) {
      bucket = { events: eventsPerSecond, bytes: bytesPerSecond, at: now }
      this.#buckets.set(grant.id, bucket)
    }
    const seconds = Math.max(0, now - bucket.at) / 1000
    bucket.events = Math.min(eventsPerSecond, bucket.events + seconds * eventsPerSecond)
    bucket.bytes = Math.min(bytesPerSecond, bucket.bytes + seconds * bytesPerSecond)
    bucket.at = now
    return bucket
  }
}
