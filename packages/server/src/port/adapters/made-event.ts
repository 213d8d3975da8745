import { assert, concatBytes, encodeUtf8, limits } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import type { AdapterBody } from "./api.ts"
import { endOfString } from "./outline.ts"
import { keepOutBytes } from "./outsized.ts"
import type { Pen } from "./pen.ts"
import type { Shape } from "./run.ts"

const nothing = new Uint8Array(0)

/**
 * The event of an item, made outside of the core's memory: a foreign record in its envelope. The record stands in `data`; where
 * the event is too large for an entry, `data` as a whole is kept out of it.
 */
export abstract class MadeEvent implements Shape {
  protected readonly body: AdapterBody
  #at = 0
  #end = 0
  #event: Uint8Array = nothing

  constructor(body: AdapterBody) {
    this.body = body
  }

  /** The event of the item at `[at, end)` of the core's memory, without white space; it holds until the next one is made. */
  protected abstract make(at: number, end: number): Uint8Array

  look(at: number, end: number): 2 {
    this.#at = at
    this.#end = end
    this.#event = this.make(at, end)
    return 2
  }

  keepOut(): readonly KeptOut[] | undefined {
    const event = this.#event
    const at = findData(event)
    const value = event.subarray(at + dataName.length, -1)
    if (value.length > limits.disclosureBytesMax - keepOutBytes) return undefined
    const item = this.body.core.memory.slice(this.#at, this.#end)
    const kept = this.body.keepOut(item, "data", value)
    this.#event = concatBytes(event.subarray(0, at), encodeUtf8(`"_sd":["${kept.digest}"]}`))
    return [kept]
  }

  bytesAtMost(): number {
    return this.#event.length
  }

  write(pen: Pen): void {
    pen.put(this.#event)
  }
}

const quote = 0x22
const colon = 0x3a
const dataName = Buffer.from('"data":')

/** Where the name of `data` begins, the last member of a made event: what stands before it is short, and nothing behind it is looked at. */
function findData(event: Uint8Array): number {
  let depth = 0
  for (let at = 0; at < event.length; at++) {
    const byte = event[at]
    if (byte === 0x7b || byte === 0x5b) depth += 1
    else if (byte === 0x7d || byte === 0x5d) depth -= 1
    if (byte !== quote) continue
    const end = endOfString(event, at, event.length)
    const name = depth === 1 && event[end + 1] === colon ? event.subarray(at, end + 2) : nothing
    if (dataName.equals(name)) return at
    at = end
  }
  assert(false, "a foreign record stands in the data of its event")
}
