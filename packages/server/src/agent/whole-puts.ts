import { PosternError } from "@postern/log/base"
import { bytesOf, type Outgoing } from "./pressure/index.ts"
import type { WayOut } from "./source.ts"

/** A spool whose room is known beforehand. */
export interface RoomyWayOut extends WayOut {
  /** Bytes that it has room for, what waits in memory counted as if it were in it. */
  readonly freeBytes: number
  /** Events that it was given and that became losses in the log. */
  readonly dropped: number
}

/** What was put. */
export interface WholePut {
  /** How many of the events can never be taken, and are losses in their places. */
  readonly lost: number
  /** Resolves when all of it is on stable storage. Errors: SPOOL_FULL, whose message says what may stand twice when it is sent again. */
  stored(): Promise<void>
}

/** Put at once, and put without being on stable storage yet: the writer's memory takes a few times as much, and no more. */
const unstoredBytesMax = 4 * 1024 * 1024
/** For what is around an event: a share of it, and the same for each. */
const overheadShare = 0.02
const headerBytes = 64
/** For what the agent says itself, and for what does not fit the end of a file. */
const spareBytes = 131_072

/** Puts what a request or a message brings: all of it or nothing, so that what is sent again does not stand twice. */
export class WholePuts {
  readonly #outbound: RoomyWayOut
  /** Bytes for which there is room, and which were not put yet. */
  #promisedBytes = 0
  /** Bytes that were put, and are not on stable storage yet. */
  #unstoredBytes = 0
  /** One at a time puts. */
  #turn: Promise<unknown> = Promise.resolve()
  #stored: Promise<unknown> = Promise.resolve()
  #isFull = false

  constructor(outbound: RoomyWayOut) {
    this.#outbound = outbound
  }

  /** There was no room at the last attempt. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Whether there is room for all of them. What was let in before and is not put yet counts. */
  hasRoomFor(items: readonly Outgoing[]): boolean {
    const bytes = neededBytes(items) + this.#promisedBytes + spareBytes
    this.#isFull = bytes > this.#outbound.freeBytes
    return !this.#isFull
  }

  /** Resolves when all of it was put. Errors: SPOOL_FULL; nothing of it was put then, unless the message says how much. */
  put(items: readonly Outgoing[]): Promise<WholePut> {
    if (!this.hasRoomFor(items)) {
      return Promise.reject(new PosternError("SPOOL_FULL", "nothing of it was taken"))
    }
    const bytes = neededBytes(items)
    this.#promisedBytes += bytes
    const done = this.#turn
      .then(() => this.#putAll(items))
      .finally(() => {
        this.#promisedBytes -= bytes
      })
    this.#turn = done.catch(() => undefined) // Whoever called is told.
    return done
  }

  async #putAll(items: readonly Outgoing[]): Promise<WholePut> {
    const outcomes: Promise<unknown>[] = []
    let lost = 0
    for (let put = 0; put < items.length; ) {
      const part = firstOf(items.slice(put))
      const bytes = neededBytes(part)
      if (this.#unstoredBytes + bytes > unstoredBytesMax) await this.#stored
      const { dropped } = this.#outbound
      const done = this.#outbound.put(part)
      lost += this.#outbound.dropped - dropped
      put += done
      if (done < part.length) throw halfPut(put, items.length)
      outcomes.push(this.#store(bytes))
    }
    return { lost, stored: () => allStored(outcomes) }
  }

  /** Resolves with what went wrong: not everybody who puts waits for it. */
  #store(bytes: number): Promise<unknown> {
    this.#unstoredBytes += bytes
    const outcome = this.#outbound
      .spooled()
      .catch((error: unknown) => error)
      .finally(() => {
        this.#unstoredBytes -= bytes
      })
    this.#stored = outcome
    return outcome
  }
}

/** As many as are put at once, at least one. */
function firstOf(items: readonly Outgoing[]): readonly Outgoing[] {
  let bytes = 0
  const count = items.findIndex((one) => {
    bytes += neededBytes([one])
    return bytes > unstoredBytesMax
  })
  return count < 0 ? items : items.slice(0, Math.max(1, count))
}

function neededBytes(items: readonly Outgoing[]): number {
  let bytes = 0
  for (const one of items) bytes += Math.ceil(bytesOf(one) * (1 + overheadShare)) + headerBytes
  return bytes
}

/** The room was there before: a disk can fail at any moment. */
function halfPut(put: number, count: number): PosternError {
  if (put === 0) return new PosternError("SPOOL_FULL", "nothing of it was taken")
  const detail = `the first ${put} of ${count} events were taken; sent again, they stand twice`
  return new PosternError("SPOOL_FULL", detail)
}

async function allStored(outcomes: readonly Promise<unknown>[]): Promise<void> {
  const cause = (await Promise.all(outcomes)).find((failure) => failure !== undefined)
  if (cause === undefined) return
  const detail = "whether it is kept is not known; sent again, it may stand twice"
  throw new PosternError("SPOOL_FULL", `${detail} (${(cause as Error).message})`, { cause })
}
