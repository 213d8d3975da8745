import { parseStamp } from "@postern/log/event"
import { followLog } from "../../packages/server/dist/disk/index.js"
import { eventText, placeOf } from "./event.ts"

const chunkBytes = 8 * 1024 * 1024

export interface OwnEvent {
  readonly action: string
  readonly data: Record<string, unknown>
}

/** The whole log as it stands on disk, read once, every entry judged. */
export interface LogContents {
  readonly size: number
  /** What is wrong with the entries themselves, the first hundred. */
  readonly faults: readonly string[]
  /** For each name of ours: where the event with each sequence is. */
  readonly places: ReadonlyMap<string, readonly number[]>
  /** What others wrote, by index: the port's own entries, reads. */
  readonly others: ReadonlyMap<number, OwnEvent>
  /** Events of programmes that make up their ids as they go: how often each id stands there. */
  readonly ids: ReadonlyMap<string, number>
  /** The same ids by index, in the order of the log. */
  readonly idAt: ReadonlyMap<number, string>
}

class Reading {
  readonly faults: string[] = []
  readonly places = new Map<string, number[]>()
  readonly others = new Map<number, OwnEvent>()
  readonly ids = new Map<string, number>()
  readonly idAt = new Map<number, string>()
  /** By stream: the sequence that may come next at the earliest. */
  readonly #next = new Map<number, number>()

  entry(index: number, leaf: Uint8Array): void {
    const bytes = Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length)
    const feed = bytes.indexOf(0x0a)
    const stamp = parseStamp(bytes.toString("latin1", 0, feed))
    const event = bytes.subarray(feed + 1)
    const least = this.#next.get(stamp.open) ?? 0
    if (stamp.sequence < least) this.#fault(index, `sequence ${stamp.sequence} after ${least - 1}`)
    this.#next.set(stamp.open, stamp.sequence + 1)
    const place = placeOf(event)
    if (place !== undefined) this.#ours(index, place, stamp.sequence, event)
    else this.#other(index, event)
  }

  #ours(
    index: number,
    place: { name: string; sequence: number },
    sequence: number,
    event: Buffer,
  ): void {
    const { name } = place
    if (event.toString("latin1") !== eventText(name, place.sequence)) {
      this.#fault(index, `${name}/${place.sequence} was changed`)
    }
    const places = this.places.get(name) ?? []
    this.places.set(name, places)
    const before = places[place.sequence]
    if (before !== undefined) this.#fault(index, `${name}/${place.sequence} is at ${before} too`)
    places[place.sequence] = index
    // Framed streams have a dot and a number in their name; their sequences are their own.
    if (name.includes(".") && sequence !== place.sequence) {
      this.#fault(index, `${name}/${place.sequence} is stamped ${sequence}`)
    }
  }

  #other(index: number, event: Buffer): void {
    const value = JSON.parse(event.toString()) as OwnEvent & { id: string }
    if (value.action.startsWith("postern.")) {
      this.others.set(index, value)
      return
    }
    this.ids.set(value.id, (this.ids.get(value.id) ?? 0) + 1)
    this.idAt.set(index, value.id)
  }

  #fault(index: number, what: string): void {
    if (this.faults.length < 100) this.faults.push(`entry ${index}: ${what}`)
  }
}

export async function readLog(directory: string): Promise<LogContents> {
  const log = await followLog(directory)
  const reading = new Reading()
  try {
    const { size } = log.head()
    for (let at = 0; at < size; ) {
      const leaves = await log.leaves(at, size, chunkBytes)
      for (const leaf of leaves) {
        reading.entry(at, leaf)
        at += 1
      }
    }
    const { faults, places, others, ids, idAt } = reading
    return { size, faults, places, others, ids, idAt }
  } finally {
    await log.close()
  }
}
