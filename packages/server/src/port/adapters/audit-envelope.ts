import { concatBytes, encodeUtf8, formatHex, limits, sha256 } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import type { AdapterBody } from "./api.ts"
import { AuditFields, type Text } from "./audit-fields.ts"
import { actionByte, clip } from "./audit-text.ts"
import { keepOutBytes, writeDigests } from "./outsized.ts"
import type { Pen } from "./pen.ts"
import type { Shape } from "./run.ts"

const bytes = encodeUtf8

const outcomes = {
  success: bytes('"success"'),
  failure: bytes('"failure"'),
  denied: bytes('"denied"'),
  error: bytes('"error"'),
  unknown: bytes('"unknown"'),
} as const
const kinds = {
  service: bytes('{"type":"service","id":'),
  system: bytes('{"type":"system","id":'),
  user: bytes('{"type":"user","id":'),
  /** Authentication failed, so nobody knows. */
  unknown: bytes('{"type":"unknown","id":""'),
} as const
const serviceAccount = bytes('"system:serviceaccount:')
const system = bytes('"system:')

const idOpen = bytes('{"id":"')
const timeOpen = bytes('","time":')
const nonresource = bytes("nonresource")
const unknownVerb = bytes("unknown")
const outcomeOpen = bytes('","outcome":')
const actorOpen = bytes(',"actor":')
const onBehalfOpen = bytes(',"onBehalfOf":[')
const targetsOpen = bytes(',"targets":[')
const pathOpen = bytes('{"type":"path","id":')
const typeOpen = bytes('{"type":')
const targetIdOpen = bytes(',"id":"')
const apiGroupOpen = bytes('","apiGroup":')
const subresourceOpen = bytes(',"subresource":')
const originOpen = bytes(',"origin":{')
const ipOpen = bytes('"ip":')
const peerOpen = bytes(',"peer":')
const agentOpen = bytes('"userAgent":')
const dataOpen = bytes(',"data":{"kubernetes":')
const dataClose = bytes("}}")
const wrapOpen = bytes('{"kubernetes":')
const wrapClose = bytes("}")
const oddOpen = bytes('{"data":')

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const braceClose = 0x7d
const bracketClose = 0x5d
const slash = 0x2f
const dot = 0x2e
const star = 0x2a

const idBytesMax = 128
const stageBytesMax = 40
/** The scanner's bound, with quotes. */
const timeBytesMax = 37
/** Together with "k8s.", dots and the parts' bounds an action stays within its 128 bytes. */
const actionPartMax = { resource: 63, subresource: 31, verb: 24 } as const
/** Of a free text in the envelope; the original has all of it. */
const textBytesMax = 512
const textsMax = 10
/** All constants, the action and the id together stay below this. */
const constantBytesMax = 1024

/**
 * A Kubernetes audit event in its envelope. Much in it is chosen by whoever made the request: the
 * audit id (a header), names, paths, the user agent. None of that may get the event refused, or the
 * request would go unseen; what is unusual in it is replaced or clipped in the envelope, and stands
 * as it was in the original. Only what the API server itself writes must be as it should be: an
 * item without it goes on in a form that lacks all the members an event needs.
 */
export class AuditEnvelope implements Shape {
  readonly #memory: Uint8Array
  readonly #fields: AuditFields
  readonly #sourceToAction: Uint8Array
  #at = 0
  #end = 0
  #isOdd = false
  readonly #body: AdapterBody
  /** Of the original, if it is kept out of the event. */
  #digests: readonly string[] = []

  constructor(body: AdapterBody) {
    this.#memory = body.core.memory
    this.#body = body
    this.#fields = new AuditFields(body)
    this.#sourceToAction = bytes(`,"source":${JSON.stringify(body.source)},"action":"k8s.`)
  }

  look(at: number, end: number): 2 | undefined {
    this.#at = at
    this.#end = end
    this.#digests = []
    this.#isOdd = !this.#fields.read(at, end) || !this.#isWhole()
    return this.#isOdd ? undefined : 2
  }

  #isWhole(): boolean {
    const { auditId, stage, time } = this.#fields
    return (
      !auditId.isEmpty &&
      !stage.isEmpty &&
      stage.end - stage.at <= stageBytesMax &&
      !this.#hasEscape(stage) &&
      !time.isEmpty &&
      time.end - time.at <= timeBytesMax
    )
  }

  /** The original goes as a whole; the envelope stays, whose size is bounded. */
  keepOut(): readonly KeptOut[] | undefined {
    const item = this.#memory.slice(this.#at, this.#end)
    if (item.length + wrapOpen.length > limits.disclosureBytesMax - keepOutBytes) return undefined
    const kept = this.#body.keepOut(item, "data", concatBytes(wrapOpen, item, wrapClose))
    this.#digests = [kept.digest]
    return [kept]
  }

  bytesAtMost(): number {
    const constants = this.#sourceToAction.length + constantBytesMax
    return this.#end - this.#at + constants + textsMax * textBytesMax
  }

  write(pen: Pen): void {
    if (this.#isOdd) {
      pen.put(oddOpen)
      pen.copy(this.#at, this.#end)
      pen.byte(braceClose)
      return
    }
    this.#writeIdentity(pen)
    this.#writeAction(pen)
    pen.put(outcomeOpen)
    pen.put(outcomes[this.#outcome()])
    this.#writeActors(pen)
    pen.put(targetsOpen)
    this.#writeTarget(pen)
    pen.byte(bracketClose)
    this.#writeOrigin(pen)
    if (this.#digests.length > 0) {
      pen.byte(comma)
      writeDigests(pen, this.#digests)
      pen.byte(braceClose)
      return
    }
    pen.put(dataOpen)
    pen.copy(this.#at, this.#end)
    pen.put(dataClose)
  }

  /** id and time: the same each time the API server sends this event. */
  #writeIdentity(pen: Pen): void {
    const { auditId, stage, time } = this.#fields
    pen.put(idOpen)
    const length = auditId.end - auditId.at + (stage.end - stage.at) - 3
    if (length > idBytesMax || this.#hasEscape(auditId)) {
      pen.text(`sha256:${formatHex(sha256(this.#memory.subarray(auditId.at, auditId.end)))}`)
    } else {
      pen.copy(auditId.at + 1, auditId.end - 1)
    }
    pen.byte(slash)
    pen.copy(stage.at + 1, stage.end - 1)
    pen.put(timeOpen)
    pen.copy(time.at, time.end)
  }

  #writeAction(pen: Pen): void {
    const { resource, subresource, verb } = this.#fields
    pen.put(this.#sourceToAction)
    if (resource.isEmpty) {
      pen.put(nonresource)
    } else {
      this.#writePart(pen, resource, actionPartMax.resource)
      if (!subresource.isEmpty) {
        pen.byte(dot)
        this.#writePart(pen, subresource, actionPartMax.subresource)
      }
    }
    pen.byte(dot)
    if (verb.isEmpty) pen.put(unknownVerb)
    else this.#writePart(pen, verb, actionPartMax.verb)
  }

  #writePart(pen: Pen, text: Text, bytesMax: number): void {
    const end = Math.min(text.end - 1, text.at + 1 + bytesMax)
    for (let i = text.at + 1; i < end; i++) {
      pen.byte(actionByte[this.#memory[i] as number] as number)
    }
  }

  #outcome(): keyof typeof outcomes {
    const { code, isForbidden } = this.#fields
    if (isForbidden || code === 401 || code === 403) return "denied"
    if (code < 100 || code > 599) return "unknown"
    // 101 is how an exec or a port-forward succeeds.
    if (code < 400) return "success"
    return code < 500 ? "failure" : "error"
  }

  #writeActors(pen: Pen): void {
    const { username, impersonated } = this.#fields
    pen.put(actorOpen)
    this.#writeUser(pen, username)
    if (impersonated.isEmpty) return
    pen.put(onBehalfOpen)
    this.#writeUser(pen, impersonated)
    pen.byte(bracketClose)
  }

  #writeUser(pen: Pen, name: Text): void {
    if (name.isEmpty) {
      pen.put(kinds.unknown)
    } else {
      const isSystem = this.#startsWith(name, system)
      const isService = isSystem && this.#startsWith(name, serviceAccount)
      pen.put(isService ? kinds.service : isSystem ? kinds.system : kinds.user)
      this.#writeText(pen, name)
    }
    pen.byte(braceClose)
  }

  /**
   * The object; `*` for its name if the request is about all of them or about one not yet named.
   */
  #writeTarget(pen: Pen): void {
    const { resource, namespace, name, apiGroup, subresource, uri } = this.#fields
    if (resource.isEmpty) {
      if (uri.isEmpty) return
      pen.put(pathOpen)
      this.#writeText(pen, uri)
      pen.byte(braceClose)
      return
    }
    pen.put(typeOpen)
    this.#writeText(pen, resource)
    pen.put(targetIdOpen)
    if (!namespace.isEmpty) {
      this.#writeContent(pen, namespace)
      pen.byte(slash)
    }
    if (name.isEmpty) pen.byte(star)
    else this.#writeContent(pen, name)
    if (apiGroup.isEmpty) {
      pen.byte(quote)
    } else {
      pen.put(apiGroupOpen)
      this.#writeText(pen, apiGroup)
    }
    if (!subresource.isEmpty) {
      pen.put(subresourceOpen)
      this.#writeText(pen, subresource)
    }
    pen.byte(braceClose)
  }

  #writeOrigin(pen: Pen): void {
    const { ip, peer, agent } = this.#fields
    if (!ip.isThere && !agent.isThere) return
    pen.put(originOpen)
    if (ip.isThere) {
      pen.put(ipOpen)
      this.#writeText(pen, ip)
      if (peer.isThere) {
        pen.put(peerOpen)
        this.#writeText(pen, peer)
      }
      if (agent.isThere) pen.byte(comma)
    }
    if (agent.isThere) {
      pen.put(agentOpen)
      this.#writeText(pen, agent)
    }
    pen.byte(braceClose)
  }

  #writeText(pen: Pen, text: Text): void {
    if (text.end - text.at <= textBytesMax) {
      pen.copy(text.at, text.end)
      return
    }
    pen.byte(quote)
    this.#writeContent(pen, text)
    pen.byte(quote)
  }

  /** Without the quotes, clipped. */
  #writeContent(pen: Pen, text: Text): void {
    pen.copy(text.at + 1, clip(this.#memory, text.at + 1, text.end - 1, textBytesMax - 2))
  }

  #hasEscape(text: Text): boolean {
    for (let i = text.at; i < text.end; i++) if (this.#memory[i] === backslash) return true
    return false
  }

  #startsWith(text: Text, start: Uint8Array): boolean {
    if (text.end - text.at < start.length) return false
    for (let i = 0; i < start.length; i++) {
      if (this.#memory[text.at + i] !== start[i]) return false
    }
    return true
  }
}
