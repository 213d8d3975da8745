import { assert, limits } from "@postern/log/base"
import {
  type Decoder,
  type ForeignEvent,
  type Format,
  isStrictObject,
  tooLargeToRead,
  writeEvent,
} from "../../formats/index.ts"
import type { AdapterBody } from "./api.ts"
import { ContentIds } from "./content-ids.ts"
import { MadeEvent } from "./made-event.ts"

/** The event that a format makes of an item, which is a record of its own: nothing is waited for that another item holds. */
export class FormatEvent extends MadeEvent {
  readonly #ids = new ContentIds()
  readonly #name: string
  readonly #decoder: Decoder

  constructor(format: Pick<Format, "name" | "open">, body: AdapterBody) {
    super(body)
    this.#name = format.name
    this.#decoder = format.open({ nowMs: () => Date.parse(body.now) })
  }

  protected make(at: number, end: number): Uint8Array {
    return this.makeOf(this.body.core.memory.subarray(at, end))
  }

  protected makeOf(record: Uint8Array): Uint8Array {
    const isLarge = record.length > limits.recordReadBytesMax
    const event = this.complete(isLarge ? this.#keep(record) : this.#read(record))
    const { now: time, source } = this.body
    return writeEvent(event, { id: this.#idOf(event, record), time, source })
  }

  #keep(original: Uint8Array): ForeignEvent {
    const format = this.#name
    const isJson = isStrictObject(original)
    return { members: tooLargeToRead(format), format, original, isJson }
  }

  #read(record: Uint8Array): ForeignEvent {
    let made: ForeignEvent | undefined
    const keep = (event: ForeignEvent): void => {
      made ??= event
    }
    this.#decoder.take(record, keep)
    this.#decoder.end(keep)
    assert(made !== undefined, "a record becomes an event")
    return made
  }

  /** What the body or its request says beside the record. */
  protected complete(event: ForeignEvent): ForeignEvent {
    return event
  }

  /** Without a time, two records that are equal may stand for two events. */
  #idOf({ members }: ForeignEvent, record: Uint8Array): string {
    if (members.id !== undefined) return members.id
    return members.time === undefined ? this.body.id() : this.#ids.of(record)
  }
}
