import { encodeUtf8 } from "@postern/log/base"
import type { Core } from "@postern/log/core"
import type { AdapterBody } from "./api.ts"
import { Names, Slots, type Spans, sortMembers, viewSpans } from "./names.ts"
import { trimEnd, trimStart } from "./outline.ts"

const quote = 0x22
const braceOpen = 0x7b
const bracketOpen = 0x5b
const backslash = 0x5c
const letterN = 0x6e
const digitZero = 0x30

const eventNames = new Names([
  "auditID",
  "stage",
  "stageTimestamp",
  "requestReceivedTimestamp",
  "verb",
  "requestURI",
  "user",
  "impersonatedUser",
  "sourceIPs",
  "userAgent",
  "objectRef",
  "responseStatus",
  "annotations",
])
const userNames = new Names(["username"])
const objectNames = new Names(["resource", "subresource", "namespace", "name", "apiGroup"])
const statusNames = new Names(["code"])
const annotationNames = new Names(["authorization.k8s.io/decision"])
const forbid = encodeUtf8('"forbid"')

/** A string in the core's memory, with its quotes; 0, 0 if it is not there. */
export class Text {
  at = 0
  end = 0

  set(at: number, end: number): void {
    this.at = at
    this.end = end
  }

  get isThere(): boolean {
    return this.at !== 0
  }

  /** Not there, or `""`. */
  get isEmpty(): boolean {
    return this.end - this.at <= 2
  }
}

/**
 * What the envelope needs of one audit.k8s.io/v1 Event, as spans (the type: staging/src/k8s.io/
 * apiserver/pkg/apis/audit/v1/types.go of Kubernetes). Everything is optional here but syntax.
 */
export class AuditFields {
  readonly auditId = new Text()
  readonly stage = new Text()
  /** When this stage was reached; when the request came, if that is not said. */
  readonly time = new Text()
  readonly verb = new Text()
  readonly uri = new Text()
  /** Who authenticated. */
  readonly username = new Text()
  /** On whose behalf the request was made. */
  readonly impersonated = new Text()
  readonly agent = new Text()
  /** First and last of the source addresses; only the last is no mere claim of the client. */
  readonly ip = new Text()
  readonly peer = new Text()
  readonly resource = new Text()
  readonly subresource = new Text()
  readonly namespace = new Text()
  readonly name = new Text()
  readonly apiGroup = new Text()
  /** HTTP status of the response; 0 if there is none (yet). */
  code = 0
  isForbidden = false

  readonly #core: Core
  readonly #spansAt: number
  readonly #spansMax: number
  readonly #spans: Spans
  readonly #event = new Slots(eventNames)
  readonly #user = new Slots(userNames)
  readonly #object = new Slots(objectNames)
  readonly #status = new Slots(statusNames)
  readonly #annotations = new Slots(annotationNames)

  constructor(body: AdapterBody) {
    this.#core = body.core
    this.#spansAt = body.spans
    this.#spansMax = body.spansMax
    this.#spans = viewSpans(body.core.memory, body.spans)
  }

  /**
   * Reads the event at `[at, end)`. False if it is no strict JSON object or a field has a wrong
   * type.
   */
  read(at: number, end: number): boolean {
    const slots = this.#event
    const { index } = eventNames
    return (
      this.#members(at, end, slots) &&
      this.#text(this.auditId, slots, index.auditID) &&
      this.#text(this.stage, slots, index.stage) &&
      this.#text(this.time, slots, index.stageTimestamp) &&
      (this.time.isThere || this.#text(this.time, slots, index.requestReceivedTimestamp)) &&
      this.#text(this.verb, slots, index.verb) &&
      this.#text(this.uri, slots, index.requestURI) &&
      this.#text(this.agent, slots, index.userAgent) &&
      this.#readUser(this.username, index.user) &&
      this.#readUser(this.impersonated, index.impersonatedUser) &&
      this.#readAddresses() &&
      this.#readObject() &&
      this.#readStatus() &&
      this.#readAnnotations()
    )
  }

  #readUser(text: Text, slot: number): boolean {
    return this.#nested(slot, this.#user) && this.#text(text, this.#user, userNames.index.username)
  }

  #readObject(): boolean {
    const slots = this.#object
    const { index } = objectNames
    return (
      this.#nested(eventNames.index.objectRef, slots) &&
      this.#text(this.resource, slots, index.resource) &&
      this.#text(this.subresource, slots, index.subresource) &&
      this.#text(this.namespace, slots, index.namespace) &&
      this.#text(this.name, slots, index.name) &&
      this.#text(this.apiGroup, slots, index.apiGroup)
    )
  }

  #readStatus(): boolean {
    this.code = 0
    if (!this.#nested(eventNames.index.responseStatus, this.#status)) return false
    const at = this.#status.at(statusNames.index.code)
    if (this.#status.end(statusNames.index.code) - at !== 3) return true
    for (let i = at; i < at + 3; i++) {
      this.code = 10 * this.code + (this.#core.memory[i] as number) - digitZero
    }
    return true
  }

  #readAnnotations(): boolean {
    const { memory } = this.#core
    const slots = this.#annotations
    if (!this.#nested(eventNames.index.annotations, slots, true)) return false
    const decision = annotationNames.index["authorization.k8s.io/decision"]
    const at = slots.at(decision)
    this.isForbidden = slots.end(decision) - at === forbid.length
    for (let i = 0; this.isForbidden && i < forbid.length; i++) {
      this.isForbidden = memory[at + i] === forbid[i]
    }
    return true
  }

  /**
   * First and last string of the source addresses. Most of the list is the client's own header and
   * may be long, so nothing in between is looked at.
   */
  #readAddresses(): boolean {
    const { memory } = this.#core
    const at = this.#event.at(eventNames.index.sourceIPs)
    this.ip.set(0, 0)
    this.peer.set(0, 0)
    if (this.#isAbsent(at)) return true
    const first = trimStart(memory, at + 1, this.#event.end(eventNames.index.sourceIPs))
    const close = trimEnd(memory, first, this.#event.end(eventNames.index.sourceIPs) - 1)
    if (memory[at] !== bracketOpen) return false
    if (first === close) return true
    if (memory[first] !== quote || memory[close - 1] !== quote) return false
    let end = first + 1
    while (memory[end] !== quote) end += memory[end] === backslash ? 2 : 1
    this.ip.set(first, end + 1)
    if (end + 1 === close) return true
    let last = close - 2
    while (memory[last] !== quote) last -= 1
    this.peer.set(last, close)
    return true
  }

  /** The members of the object in a slot of the event, if there is one. */
  #nested<Name extends string>(slot: number, slots: Slots<Name>, escapes = false): boolean {
    const at = this.#event.at(slot)
    if (!this.#isAbsent(at)) return this.#members(at, this.#event.end(slot), slots, escapes)
    slots.clear()
    return true
  }

  #members<Name extends string>(
    at: number,
    end: number,
    slots: Slots<Name>,
    escapes = false,
  ): boolean {
    const { memory } = this.#core
    if (memory[at] !== braceOpen) return false
    const count = this.#core.members(at, end, this.#spansAt, this.#spansMax)
    return count >= 0 && sortMembers(memory, this.#spans, count, slots, escapes)
  }

  /** The string in a slot; false if something else is there. */
  #text<Name extends string>(text: Text, slots: Slots<Name>, slot: number): boolean {
    const at = slots.at(slot)
    if (this.#isAbsent(at)) {
      text.set(0, 0)
      return true
    }
    text.set(at, slots.end(slot))
    return this.#core.memory[at] === quote
  }

  /** Go writes null for what was never set. */
  #isAbsent(at: number): boolean {
    return at === 0 || this.#core.memory[at] === letterN
  }
}
