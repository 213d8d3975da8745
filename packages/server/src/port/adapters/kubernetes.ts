import { encodeUtf8, equalBytes, PosternError } from "@postern/log/base"
import type { Adapter, AdapterBody } from "./api.ts"
import { AuditEnvelope } from "./audit-envelope.ts"
import { parseContentType } from "./content-type.ts"
import { arrayItems, type Items, noItems, oneItem, strictItems } from "./items.ts"
import { Names, Slots, sortMembers, viewSpans } from "./names.ts"
import { Outline, trimEnd, trimStart } from "./outline.ts"
import { createRun } from "./run.ts"

/**
 * The audit webhook of a Kubernetes API server: audit.k8s.io/v1, an EventList or one Event. Each
 * event is wrapped: an envelope made of its own fields, its bytes unchanged under data.kubernetes.
 */
export const kubernetesAdapter: Adapter = {
  name: "kubernetes",
  path: "/v1/kubernetes/audit",
  open(body) {
    if (parseContentType(body.contentType) !== "json") {
      throw new PosternError("HTTP_CONTENT_TYPE", "the audit webhook sends application/json")
    }
    return createRun(openItems(body), new AuditEnvelope(body), body)
  },
}

const listNames = new Names(["kind", "apiVersion", "items"])
const { kind, apiVersion, items } = listNames.index
const version = encodeUtf8('"audit.k8s.io/v1"')
const eventListKind = encodeUtf8('"EventList"')
const noItemsText = encodeUtf8("[]}")
/** The scratch region holds both: the spans of the members, and behind them the head itself. */
const headMembersMax = 64
const headBytesMax = 512
const nothing = encodeUtf8("null")
const bracketOpen = 0x5b
const braceOpen = 0x7b
const braceClose = 0x7d
const eventKind = encodeUtf8('"Event"')

function openItems(body: AdapterBody): Items {
  const { memory } = body.core
  const at = trimStart(memory, body.at, body.end)
  const end = trimEnd(memory, at, body.end)
  const usual = findUsualItems(body, at, end)
  if (usual > 0) {
    const listed = strictItems(body, usual, trimEnd(memory, usual, end - 1))
    if (listed !== undefined) return listed
  }
  const slots = readList(body, at, end)
  checkKind(memory, slots)
  if (holds(memory, slots, kind, eventKind)) return oneItem(at, end)
  // Go writes null for a list that was never made.
  if (holds(memory, slots, items, nothing)) return noItems()
  if (memory[slots.at(items)] !== bracketOpen) throw broken("items is not an array")
  return arrayItems(body, slots.at(items), slots.end(items))
}

type ListSlots = Slots<keyof typeof listNames.index>

function holds(memory: Uint8Array, slots: ListSlots, slot: number, value: Uint8Array): boolean {
  return equalBytes(memory.subarray(slots.at(slot), slots.end(slot)), value)
}

function checkKind(memory: Uint8Array, slots: ListSlots): void {
  if (!holds(memory, slots, apiVersion, version)) throw broken("apiVersion is not audit.k8s.io/v1")
  if (!holds(memory, slots, kind, eventKind) && !holds(memory, slots, kind, eventListKind)) {
    throw broken("kind is neither EventList nor Event")
  }
}

/**
 * Where the items of an EventList as API servers write it begin: in a short head, as the last
 * member. The head is read with an empty array in the place of the items, so that the core need not
 * go through all the events once more; 0 if the body is not so, which says nothing against it.
 */
function findUsualItems(body: AdapterBody, at: number, end: number): number {
  const { core, spans } = body
  const { memory } = core
  const head = memory.subarray(at, Math.min(at + headBytesMax, end)).indexOf(bracketOpen)
  if (head < 0 || memory[end - 1] !== braceClose) return 0
  const text = spans + 16 * headMembersMax
  memory.copyWithin(text, at, at + head)
  memory.set(noItemsText, text + head)
  const textEnd = text + head + noItemsText.length
  const count = core.members(text, textEnd, spans, headMembersMax)
  const slots = new Slots(listNames)
  if (count < 0 || !sortMembers(memory, viewSpans(memory, spans), count, slots)) return 0
  const isList = holds(memory, slots, kind, eventListKind) && slots.at(items) === text + head
  return isList && holds(memory, slots, apiVersion, version) ? at + head : 0
}

/**
 * The body's members that say what it is. As with arrays, a body that is not strict JSON as a whole
 * is followed by its outline, so that one faulty event does not fail the others.
 */
function readList(body: AdapterBody, at: number, end: number): ListSlots {
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
