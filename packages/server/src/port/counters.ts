import { RecentTimes } from "./recent-times.ts"

/** What the port counts, by the states of an entry; plain numbers, raised per batch and read when somebody asks. */
export interface Counters {
  /** Received. */
  events: number
  bytes: number
  batches: number
  /** Durable. */
  slots: number
  commitSeconds: number
  /** Of the last slots, each from its sealing to its acks. */
  readonly commits: RecentTimes
  connections: number
  /** Published. */
  checkpoints: number
  /** Writers of whom events are expected and have not come; goes up and down. */
  silentWriters: number
}

export function startCounters(): Counters {
  return {
    events: 0,
    bytes: 0,
    batches: 0,
    slots: 0,
    commitSeconds: 0,
    commits: new RecentTimes(),
    connections: 0,
    checkpoints: 0,
    silentWriters: 0,
  }
}
