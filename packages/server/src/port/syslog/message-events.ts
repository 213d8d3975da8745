import { limits } from "@postern/log/base"
import { type Decoder, type ForeignEvent, formats, writeEvent } from "../../formats/index.ts"
import { writePlain } from "./plain-message.ts"

const lengthBytes = 4
/** An event of this size fits an entry whatever its stamp. */
const eventBytesSure = limits.entryBytesMax - limits.stampBytesMax - 1
/** Enough that a batch costs little for each event, and few enough for what a policy may make of them. */
export const regionBytesMax = 256 * 1024
export const regionEventsMax = 2_000
/** Regions are made one at a time, and used at once or copied. */
const scratch = Buffer.allocUnsafe(regionBytesMax)

/** Events of syslog messages: several, framed as a batch has them, or one that fits no entry as it is. */
export type MadeEvents =
  /** The region is a view that holds until the next one is made. */
  { readonly region: Uint8Array; readonly count: number } | { readonly large: Uint8Array }

export interface MessageWorld {
  nowMs(): number
  /** What the writer's events have for source. */
  source(): string
  /** Names the connection: part of every id. */
  readonly session: string
}

/** Makes events of the messages of one connection. */
export class MessageEvents {
  /** Events made so far: the number in the id of the last one. */
  made = 0
  /** Of them, those that make() has given. */
  handedOver = 0
  readonly #world: MessageWorld
  readonly #decoder: Decoder
  /** Events that stand in no region yet. */
  readonly #waiting: Uint8Array[] = []
  readonly #give: (event: ForeignEvent) => void
  readonly #giveCut: (event: ForeignEvent) => void
  #nowMs = Number.NaN
  #now = ""

  constructor(world: MessageWorld) {
    const format = formats.get("syslog")
    if (format === undefined) throw new Error("invariant broken: syslog is a format")
    this.#world = world
    this.#decoder = format.open({ nowMs: () => world.nowMs() })
    this.#give = (event) => this.#write(event)
    this.#giveCut = (event) => {
      const { members } = event
      this.#write({ ...event, members: { ...members, data: { ...members.data, cut: true } } })
    }
  }

  /** Whether events were made that stand in no region yet. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Of the next messages, as far as they go into one region; undefined if there is nothing to make one of. */
  make(next: () => Uint8Array | undefined): MadeEvents | undefined {
    let end = 0
    let count = 0
    for (;;) {
      const event = this.#waiting[0]
      if (event === undefined) {
        const message = next()
        if (message === undefined) break
        this.#take(message)
        continue
      }
      const { length } = event
      const isLarge = length > eventBytesSure
      const isFull = count === regionEventsMax || end + lengthBytes + length > regionBytesMax
      if (count > 0 && (isLarge || isFull)) break
      this.#waiting.shift()
      this.handedOver += 1
      if (isLarge) return { large: event }
      scratch.writeUInt32BE(length, end)
      scratch.set(event, end + lengthBytes)
      end += lengthBytes + length
      count += 1
    }
    return count === 0 ? undefined : { region: scratch.subarray(0, end), count }
  }

  /** A message of which only the beginning came: what there is of it is kept, and says so. */
  takeCut(message: Uint8Array): void {
    this.#decoder.take(message, this.#giveCut)
  }

  /** What was begun with several messages is given as it is: for a while nothing came, or nothing will. */
  end(): void {
    this.#decoder.end(this.#give)
  }

  #take(message: Uint8Array): void {
    const id = `${this.#world.session}.${this.made + 1}`
    const plain = writePlain(message, { id, source: this.#world.source() })
    if (plain === undefined) return this.#decoder.take(message, this.#give)
    this.made += 1
    this.#waiting.push(Buffer.from(plain, "latin1"))
  }

  #write(event: ForeignEvent): void {
    this.made += 1
    const id = `${this.#world.session}.${this.made}`
    const defaults = { id, time: this.#time(), source: this.#world.source() }
    this.#waiting.push(writeEvent(event, defaults))
  }

  #time(): string {
    const nowMs = this.#world.nowMs()
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs
      this.#now = new Date(nowMs).toISOString()
    }
    return this.#now
  }
}
