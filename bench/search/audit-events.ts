/**
 * Audit events as an organisation of some size makes them in ninety days: 80 % an application's, 20 % a Kubernetes API
 * server's in the envelope that the port gives them. Every event of a seed and a span is the same in every run.
 */
import { createRandom, type Random } from "../random.ts"
import { makeMessage } from "./words.ts"
import { createZipf } from "./zipf.ts"

/** What questions and tables need to know of an event besides its text. */
export interface AuditEvent {
  /** From 0, in the order in which events are received. */
  readonly number: number
  readonly kind: "app" | "kubernetes"
  /** When the port takes it, microseconds; never goes back. */
  readonly received: number
  readonly text: string
  readonly source: string
  readonly action: string
  readonly outcome: string
  readonly actor: string
  readonly target: string
  readonly ip: string
  /** The rare word of its message, if there is one. */
  readonly rare?: string | undefined
  /** Unique. */
  readonly request?: string
  readonly ticket?: string | undefined
  readonly namespace?: string
}

export interface Span {
  readonly entries: number
  /** Received time of the last one, milliseconds. */
  readonly endMs: number
}

export const spanDays = 90
export const spanMs = spanDays * 86_400_000
const seed = 20_261_122
/** Events that come together: one received time, and those of applications from one source. */
export const together = 16

const actors = createZipf(50_000, 1.05)
const targets = createZipf(1_000_000, 0.9)
const addresses = createZipf(20_000, 0.7)
const actions = createZipf(300, 0.8)
const accounts = createZipf(300, 1)
const tickets = 20_000

const nouns = "invoice user role report order account payment contract session key".split(" ")
const verbs = (
  "created read updated deleted granted revoked exported approved rejected locked " +
  "unlocked shared moved renamed archived restored signed sent opened closed " +
  "assigned cancelled refunded verified imported merged split tagged viewed reset"
).split(" ")
const sources = ["billing", "shop", "identity", "ledger", "documents", "support"]
const kubernetesVerbs = "get list watch create update patch delete".split(" ")
const resources =
  "pods configmaps secrets services deployments jobs leases events namespaces nodes".split(" ")

/** 3 in 1000 errors, 12 denied, 40 failures. */
function outcomeOf(random: Random): "success" | "failure" | "denied" | "error" {
  const chance = random.below(1000)
  if (chance >= 55) return "success"
  return chance < 40 ? "failure" : chance < 52 ? "denied" : "error"
}

/** All events of a span in order. */
export function* auditEvents(span: Span): Generator<AuditEvent> {
  const random = createRandom(seed)
  const { entries, endMs } = span
  const stepMs = (spanMs * together) / entries
  const start = endMs - spanMs
  let ms = start
  let source = ""
  for (let number = 0; number < entries; number++) {
    if (number % together === 0) {
      ms = Math.floor(start + (number / together) * stepMs)
      source = `app://${sources[random.below(sources.length)]}`
    }
    const place = { number, received: ms * 1000 }
    yield random.below(5) === 0 ? kubernetesEvent(place, random) : appEvent(place, source, random)
  }
}

interface Place {
  readonly number: number
  readonly received: number
}

function appEvent({ number, received }: Place, source: string, random: Random): AuditEvent {
  const time = happened(received, random)
  const rank = actions(random)
  const noun = nouns[rank % 10] as string
  const action = `${noun}.${verbs[Math.floor(rank / 10)]}`
  const outcome = outcomeOf(random)
  const actor = `user:${digits(actors(random), 5)}`
  const target = `${noun.slice(0, 3)}-${digits(targets(random), 7)}`
  const ip = addressOf(addresses(random))
  const { text: message, rare } = makeMessage(random)
  // Times an odd number, so that no two of 2^32 events have the same one.
  const request = hex(Math.imul(number, 0x9e37_79b1) >>> 0) + hex(random.below(2 ** 32))
  const ticket = random.below(50) === 0 ? `INC-${digits(random.below(tickets), 6)}` : undefined
  const more = ticket === undefined ? "" : `,"ticket":"${ticket}"`
  const text =
    `{"id":"${eventId(time, random)}","time":"${isoOf(time)}","source":"${source}",` +
    `"action":"${action}","outcome":"${outcome}","actor":{"type":"user","id":"${actor}"},` +
    `"targets":[{"type":"${noun}","id":"${target}"}],"origin":{"ip":"${ip}"},` +
    `"data":{"message":"${message}","request":"${request}"${more}}}`
  const fields = { source, action, outcome, actor, target, ip, rare, request, ticket }
  return { number, kind: "app", received, text, ...fields }
}

function kubernetesEvent({ number, received }: Place, random: Random): AuditEvent {
  const time = happened(received, random)
  const verb = kubernetesVerbs[random.below(7)] as string
  const resource = resources[random.below(10)] as string
  const namespace = `team-${random.below(60)}`
  const name = `worker-${digits(targets(random), 7)}`
  const account = accounts(random)
  const actor = `system:serviceaccount:team-${account % 60}:robot-${account}`
  const ip = addressOf(addresses(random))
  const outcome = outcomeOf(random)
  const code = { success: 200, failure: 409, denied: 403, error: 500 }[outcome]
  const decision = outcome === "denied" ? "forbid" : "allow"
  const action = `k8s.${resource}.${verb}`
  const target = `${namespace}/${name}`
  const audit = uuid(random)
  const stamp = isoOf(time).replace("Z", "000Z")
  const agent = `robot-${account}/v1.31.${account % 9} (linux/amd64) kubernetes/${hex(account * 7919)}`
  const original =
    `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${audit}",` +
    `"stage":"ResponseComplete","requestURI":"/api/v1/namespaces/${namespace}/${resource}/${name}` +
    `?timeout=${1 + random.below(60)}s","verb":"${verb}","user":{"username":"${actor}",` +
    `"uid":"${uuid(random)}","groups":["system:serviceaccounts","system:authenticated"]},` +
    `"sourceIPs":["${ip}"],"userAgent":"${agent}","objectRef":{"resource":"${resource}",` +
    `"namespace":"${namespace}","name":"${name}","uid":"${uuid(random)}","apiVersion":"v1"},` +
    `"responseStatus":{"metadata":{},"code":${code}},"requestReceivedTimestamp":"${stamp}",` +
    `"stageTimestamp":"${stamp}","annotations":{"authorization.k8s.io/decision":"${decision}",` +
    `"authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \\"robot-${account}\\""}}`
  const source = "kubernetes://cluster-1"
  const text =
    `{"id":"${audit}/ResponseComplete","time":"${stamp}","source":"${source}",` +
    `"action":"${action}","outcome":"${outcome}","actor":{"type":"service","id":"${actor}"},` +
    `"targets":[{"type":"${resource}","id":"${target}"}],` +
    `"origin":{"ip":"${ip}","userAgent":"${agent}"},"data":{"kubernetes":${original}}}`
  const fields = { source, action, outcome, actor, target, ip, namespace }
  return { number, kind: "kubernetes", received, text, ...fields }
}

/** Milliseconds by the writer's clock: a moment before it is received, now and then an hour, rarely a second after. */
function happened(received: number, random: Random): number {
  const ms = Math.floor(received / 1000)
  const chance = random.below(1000)
  if (chance === 0) return ms - random.below(3_600_000)
  if (chance < 5) return ms + random.below(1000)
  return ms - random.below(2000)
}

function addressOf(rank: number): string {
  return `10.${rank % 7}.${(rank >> 8) & 255}.${rank & 255}`
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0")
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0")
}

/** A UUIDv7 as the SDK makes them. */
function eventId(ms: number, random: Random): string {
  const time = Math.floor(ms / 65_536)
    .toString(16)
    .padStart(8, "0")
  const low = (ms % 65_536).toString(16).padStart(4, "0")
  const a = (0x7000 + random.below(4096)).toString(16)
  const b = (0x8000 + random.below(16_384)).toString(16)
  return `${time}-${low}-${a}-${b}-${hex(random.below(2 ** 32))}${hex(random.below(2 ** 32)).slice(4)}`
}

function uuid(random: Random): string {
  const [a, b, c] = [
    hex(random.below(2 ** 32)),
    hex(random.below(2 ** 32)),
    hex(random.below(2 ** 32)),
  ]
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(0, 3)}-${c}${a.slice(4)}`
}

let knownMs = Number.NaN
let knownIso = ""

/** Many events share a second: its text is made once. */
function isoOf(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== knownMs) {
    knownMs = second
    knownIso = new Date(second * 1000).toISOString().slice(0, 19)
  }
  return `${knownIso}.${digits(ms - second * 1000, 3)}Z`
}
