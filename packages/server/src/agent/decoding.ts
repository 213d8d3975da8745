import { randomFillSync } from "node:crypto"
import { assert } from "@postern/log/base"
import { createEventId } from "@postern/log/event"
import {
  type Decoder,
  type ForeignEvent,
  type Format,
  formats,
  recognise,
  writeEvent,
} from "../formats/index.ts"

/** Where events go, with the length of their originals. */
export type EventSink = (event: Uint8Array, originalBytes: number) => void

const poolBytes = 4096
/** So many records that nobody recognises, and all that follow are lines. */
const missesMax = 100
const idBytes = 16

/** Records of one file or connection into events v1. */
export class Decoding {
  readonly #source: string
  readonly #sink: EventSink
  readonly #world = { nowMs: () => this.#nowMs }
  readonly #give = (event: ForeignEvent): void => this.#write(event)
  #nowMs = Date.now()
  #now = new Date(this.#nowMs)
  #time = this.#now.toISOString()
  #decoder: Decoder | undefined
  #formatName: string | undefined
  /** For records before the first one that is recognised. */
  #lines: Decoder | undefined
  #misses = 0
  readonly #pool = Buffer.alloc(poolBytes)
  #poolAt = poolBytes

  /** @param format undefined: that of the first record that is recognised */
  constructor(source: string, format: Format | undefined, sink: EventSink) {
    this.#source = source
    this.#sink = sink
    if (format !== undefined) this.#open(format)
  }

  /** Name of the format, once it is known. */
  get format(): string | undefined {
    return this.#formatName
  }

  #open(format: Format): Decoder {
    this.#formatName = format.name
    this.#decoder = format.open(this.#world)
    return this.#decoder
  }

  /** Records from here on are received now. */
  stamp(): void {
    this.#nowMs = Date.now()
    this.#now = new Date(this.#nowMs)
    this.#time = this.#now.toISOString()
  }

  take(record: Uint8Array): void {
    this.#decoderFor(record).take(record, this.#give)
  }

  #decoderFor(record: Uint8Array): Decoder {
    if (this.#decoder !== undefined) return this.#decoder
    const format = recognise(record)
    if (format !== undefined) return this.#open(format)
    this.#misses += 1
    const line = formats.get("line")
    assert(line !== undefined, "there is a format for lines")
    if (this.#misses >= missesMax) return this.#open(line)
    this.#lines ??= line.open(this.#world)
    return this.#lines
  }

  /** What was begun is given as it is. */
  end(): void {
    this.#decoder?.end(this.#give)
  }

  #write(event: ForeignEvent): void {
    const defaults = { id: this.#id(), time: this.#time, source: this.#source }
    this.#sink(writeEvent(event, defaults), event.original.length)
  }

  #id(): string {
    if (this.#poolAt === poolBytes) {
      randomFillSync(this.#pool)
      this.#poolAt = 0
    }
    this.#poolAt += idBytes
    return createEventId(this.#now, this.#pool.subarray(this.#poolAt - idBytes, this.#poolAt))
  }
}
