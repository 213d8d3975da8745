import type { Adapter, AdapterBody } from "./api.ts"
import { parseContentType } from "./content-type.ts"
import { FilledEvent } from "./filled-event.ts"
import { arrayItems, type Items, lineItems, oneItem } from "./items.ts"
import { Outline, trimEnd, trimStart } from "./outline.ts"
import { createRun } from "./run.ts"

const braceOpen = 0x7b
const bracketOpen = 0x5b

/** Events as JSON: one, an array of them, or one a line (docs/spec/event.md, last paragraph). */
export const httpAdapter: Adapter = {
  name: "http",
  path: "/v1/events",
  open(body) {
    return createRun(openItems(body), new FilledEvent(body), body)
  },
}

function openItems(body: AdapterBody): Items {
  const { memory } = body.core
  if (parseContentType(body.contentType) === "lines") return lineItems(memory, body.at, body.end)
  const at = trimStart(memory, body.at, body.end)
  const end = trimEnd(memory, at, body.end)
  if (at < end && memory[at] === bracketOpen) return arrayItems(body, at, end)
  // One event; what is wrong inside it the scanner can say better.
  const { core, spans, spansMax } = body
  const isWhole = memory[at] === braceOpen && core.members(at, end, spans, spansMax) >= 0
  const outline = isWhole ? undefined : new Outline(memory, at, end)
  while (outline?.done === false) outline.advance()
  return oneItem(at, end)
}
