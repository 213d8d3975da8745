import { encodeUtf8, equalBytes, PosternError } from "@postern/log/base"
import type { Adapter, AdapterBody } from "./api.ts"
import { AuditEnvelope } from "./audit-envelope.ts"
import { parseContentType } from "./http.ts"
import { arrayItems, type Items, noItems, oneItem } from "./items.ts"
import { Names, Slots, sortMembers, viewSpans } from "./names.ts"
import { Outline, trimEnd, trimStart } from "./outline.ts"
import { Pen } from "./pen.ts"
import { createRun } from "./run.ts"

/**
 * The audit webhook of a Kubernetes API server: audit.k8s.io/v1, an EventList or one Event. Each
 * event is wrapped: an envelope made of its own fields, its bytes unchanged under data.kubernetes.
 */
export const kubernetesAdapter: Adapter = {
  name: "kubernetes",
  open(body) {
    if (parseContentType(body.contentType) !== "json") {
      throw new PosternError("HTTP_CONTENT_TYPE", "the audit webhook sends application/json")
    }
    return createRun(openItems(body), new AuditEnvelope(body), new Pen(body.core.memory))
  },
}

const listNames = new Names(["kind", "apiVersion", "items"])
const { kind, apiVersion, items } = listNames.index
const version = encodeUtf8('"audit.k8s.io/v1"')
const eventListKind = encodeUtf8('"EventList"')
const nothing = encodeUtf8("null")
const bracketOpen = 0x5b
const braceOpen = 0x7b
const eventKind = encodeUtf8('"Event"')

function openItems(body: AdapterBody): Items {
  const { memory } = body.core
  const at = trimStart(memory, body.at, body.end)
  const end = trimEnd(memory, at, body.end)
  const slots = readList(body, at, end)
  const is = (slot: number, value: Uint8Array) =>
    equalBytes(memory.subarray(slots.at(slot), slots.end(slot)), value)
  if (!is(apiVersion, version)) throw broken("apiVersion is not audit.k8s.io/v1")
  if (is(kind, eventKind)) return oneItem(at, end)
  if (!is(kind, eventListKind)) throw broken("kind is neither EventList nor Event")
  // Go writes null for a list that was never made.
  if (is(items, nothing)) return noItems()
  if (memory[slots.at(items)] !== bracketOpen) throw broken("items is not an array")
  return arrayItems(body, slots.at(items), slots.end(items))
}

/**
 * The body's members that say what it is. As with arrays, a body that is not strict JSON as a whole
 * is followed by its outline, so that one faulty event does not fail the others.
 */
function readList(body: AdapterBody, at: number, end: number) {
  const { core, spans, spansMax } = body
  const slots = new Slots(listNames)
  const count = core.memory[at] === braceOpen ? core.members(at, end, spans, spansMax) : -1
  if (count >= 0) {
    if (sortMembers(core.memory, viewSpans(core.memory, spans), count, slots)) return slots
    throw broken("a member stands twice or is written with an escape")
  }
  const outline = new Outline(core.memory, at, end)
  for (; !outline.done; outline.advance()) {
    const number = listNames.find(core.memory, outline.keyAt, outline.keyEnd - outline.keyAt)
    if (number >= 0 && !slots.set(number, outline.at, outline.end)) {
      throw broken("a member stands twice")
    }
  }
  return slots
}

function broken(detail: string): PosternError {
  return new PosternError("HTTP_BODY_SYNTAX", detail)
}
