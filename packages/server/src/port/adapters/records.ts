import { limits } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import {
  type Decoder,
  type ForeignEvent,
  type Format,
  isUnreadable,
  recognise,
} from "../../formats/index.ts"
import type { Adapter, AdapterBody } from "./api.ts"
import { readMediaType, wrongType } from "./content-type.ts"
import { FilledEvent } from "./filled-event.ts"
import { FormatEvent } from "./format-event.ts"
import { arrayItems, demandFew, type Items, joinedItems, lineItems } from "./items.ts"
import { Names, Slots, type Spans, sortMembers, viewSpans } from "./names.ts"
import { trimEnd, trimStart } from "./outline.ts"
import { createPacedRun } from "./paced-run.ts"
import type { Pen } from "./pen.ts"
import type { Shape } from "./run.ts"
import { theFormat } from "./the-format.ts"

const bracketOpen = 0x5b
const braceOpen = 0x7b

/**
 * What log shippers send over HTTP: JSON objects in an array, one a line or one behind the other, or lines of text. Fluentd
 * repeats a body after a 503 only.
 */
export const recordsAdapter: Adapter = {
  name: "records",
  path: "/v1/records",
  retryStatus: 503,
  isLong: true,
  open(body) {
    const type = readMediaType(body.contentType)
    if (type === "text/plain") {
      return createPacedRun(openLines(body), new FormatEvent(plain, body), body)
    }
    return createPacedRun(openItems(body, type), new RecordEvent(body), body)
  },
}

function openLines({ core: { memory }, at, end }: AdapterBody): Items {
  demandFew(lineItems(memory, at, end))
  return lineItems(memory, at, end)
}

function openItems(body: AdapterBody, type: string): Items {
  const { memory } = body.core
  if (type === "application/x-ndjson" || type === "application/ndjson") return openLines(body)
  if (type !== "application/json") throw wrongType(body.contentType)
  const at = trimStart(memory, body.at, body.end)
  const end = trimEnd(memory, at, body.end)
  if (memory[at] === bracketOpen) return arrayItems(body, at, end)
  demandFew(joinedItems(memory, at, end))
  return joinedItems(memory, at, end)
}

/**
 * Lines of text, each of the format that knows it; an object that none knows is a record as any other, and so is one that holds the
 * records of several events, or of none.
 */
const plain: Pick<Format, "name" | "open"> = {
  name: "records",
  open: (world) => ({
    take(record, give) {
      const known = recognise(record) ?? theFormat("line")
      const events = known.name === "json" ? [] : readAll(known.open(world), record)
      const [event] = events
      const isWhole = events.length === 1 && event?.original.length === record.length
      const all =
        isWhole && !isUnreadable(event) ? events : readAll(theFormat("records").open(world), record)
      for (const event of all) give(event)
    },
    end: () => undefined,
  }),
}

function readAll(decoder: Decoder, record: Uint8Array): ForeignEvent[] {
  const events: ForeignEvent[] = []
  const keep = (event: ForeignEvent): void => void events.push(event)
  decoder.take(record, keep)
  decoder.end(keep)
  return events
}

const required = new Names(["action", "actor", "targets"])

/** A record in its envelope; one that is an event v1 goes on as it is, as from anybody else. */
class RecordEvent implements Shape {
  readonly #body: AdapterBody
  readonly #foreign: Shape
  readonly #own: FilledEvent
  #present: Shape
  readonly #spans: Spans
  readonly #slots = new Slots(required)
  readonly #decoder: Decoder

  constructor(body: AdapterBody) {
    this.#body = body
    this.#foreign = new FormatEvent(theFormat("records"), body)
    this.#own = new FilledEvent(body)
    this.#present = this.#foreign
    this.#spans = viewSpans(body.core.memory, body.spans)
    this.#decoder = theFormat("json").open({ nowMs: () => 0 })
  }

  look(at: number, end: number): 0 | 1 | 2 | undefined {
    const { memory } = this.#body.core
    const isEvent = memory[at] === braceOpen && this.#isEvent(at, end)
    this.#present = isEvent ? this.#own : this.#foreign
    return this.#present.look(at, end)
  }

  #isEvent(at: number, end: number): boolean {
    if (end - at > limits.recordReadBytesMax) return false
    const { core, spans, spansMax } = this.#body
    const count = core.members(at, end, spans, spansMax)
    if (count < 0 || !sortMembers(core.memory, this.#spans, count, this.#slots)) return false
    for (let number = 0; number < required.count; number++) {
      if (this.#slots.at(number) === 0) return false
    }
    let isEvent = false
    this.#decoder.take(core.memory.subarray(at, end), (event) => {
      isEvent = event.isEvent === true
    })
    return isEvent
  }

  keepOut(bytesMax: number): readonly KeptOut[] | undefined {
    return this.#present.keepOut(bytesMax)
  }

  bytesAtMost(): number {
    return this.#present.bytesAtMost()
  }

  write(pen: Pen): void {
    this.#present.write(pen)
  }
}
