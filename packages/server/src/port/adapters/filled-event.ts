import { encodeUtf8 } from "@postern/log/base"
import type { Core } from "@postern/log/core"
import type { KeptOut } from "@postern/log/event"
import type { AdapterBody } from "./api.ts"
import { Names, viewSpans } from "./names.ts"
import { Outsized, writeDigests } from "./outsized.ts"
import type { Pen } from "./pen.ts"
import type { Shape } from "./run.ts"

const braceOpen = 0x7b
const filled = new Names(["id", "time", "source", "outcome"])
const { id, time, source, outcome } = filled.index
const idBytesMax = 128
const idOpen = encodeUtf8('"id":"')
const idClose = encodeUtf8('",')
/** Honest: the sender did not say how it ended. */
const outcomeFill = encodeUtf8('"outcome":"unknown",')

/** An event in which missing members are put in right after the opening brace. */
export class FilledEvent implements Shape {
  readonly #core: Core
  readonly #body: AdapterBody
  readonly #spans: ReturnType<typeof viewSpans>
  readonly #timeFill: Uint8Array
  readonly #sourceFill: Uint8Array
  readonly #fillBytesMax: number
  /** Made for an event that was not written yet. */
  #id: string | undefined
  #at = 0
  #end = 0
  #isEmpty = false
  /** Bit i: the i-th of the filled names is missing. */
  #missing = 0
  readonly #outsized: Outsized

  constructor(body: AdapterBody) {
    this.#core = body.core
    this.#body = body
    this.#outsized = new Outsized(body)
    this.#spans = viewSpans(body.core.memory, body.spans)
    this.#timeFill = encodeUtf8(`"time":${JSON.stringify(body.now)},`)
    this.#sourceFill = encodeUtf8(`"source":${JSON.stringify(body.source)},`)
    this.#fillBytesMax =
      idOpen.length +
      idBytesMax +
      idClose.length +
      this.#timeFill.length +
      this.#sourceFill.length +
      outcomeFill.length
  }

  look(at: number, end: number): 0 | 1 | undefined {
    this.#at = at
    this.#end = end
    this.#missing = 0
    this.#outsized.clear()
    if (this.#core.memory[at] !== braceOpen) return undefined
    const count = this.#core.members(at, end, this.#body.spans, this.#body.spansMax)
    // Unreadable, or with more members than an event can have: goes on as it is, to be refused.
    if (count < 0) return undefined
    this.#isEmpty = count === 0
    this.#missing = this.#findMissing(count)
    return this.#missing === 0 ? 0 : 1
  }

  #findMissing(count: number): number {
    const { u32, first } = this.#spans
    let missing = (1 << filled.count) - 1
    for (let i = first; i < first + 4 * count; i += 4) {
      const number = filled.find(this.#core.memory, u32[i] as number, u32[i + 1] as number)
      if (number >= 0) missing &= ~(1 << number)
    }
    return missing
  }

  keepOut(bytesMax: number): readonly KeptOut[] | undefined {
    const fill = this.#missing === 0 ? 0 : this.#fillBytesMax
    return this.#outsized.keepOut(this.#at, this.#end, bytesMax - fill)
  }

  bytesAtMost(): number {
    return this.#end - this.#at + (this.#missing === 0 ? 0 : this.#fillBytesMax)
  }

  write(pen: Pen): void {
    const { digests } = this.#outsized
    if (this.#missing === 0 && digests.length === 0) {
      pen.copy(this.#at, this.#end)
      return
    }
    pen.copy(this.#at, this.#at + 1)
    if (this.#lacks(id)) this.#writeId(pen)
    if (this.#lacks(time)) pen.put(this.#timeFill)
    if (this.#lacks(source)) pen.put(this.#sourceFill)
    if (this.#lacks(outcome)) pen.put(outcomeFill)
    if (digests.length > 0) {
      writeDigests(pen, digests)
      this.#outsized.writeRest(pen)
      return
    }
    if (this.#isEmpty) pen.at -= 1 // Nothing follows the last comma.
    pen.copy(this.#at + 1, this.#end)
  }

  #lacks(number: number): boolean {
    return (this.#missing & (1 << number)) !== 0
  }

  #writeId(pen: Pen): void {
    this.#id ??= this.#body.id()
    pen.put(idOpen)
    pen.text(this.#id)
    pen.put(idClose)
    if (!pen.isLifted) this.#id = undefined
  }
}
