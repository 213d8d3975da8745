import type { IncomingMessage } from "node:http"
import { limits, PosternError } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import type { WriterGrant } from "../../access/index.ts"
import type { Adapter, AdapterBody } from "../adapters/index.ts"
import type { PortMemory } from "../sequencer/index.ts"
import type { BodyRegion } from "./body-placement.ts"
import { contentTypeOf, pathOf } from "./http-route.ts"

export interface RegionsWorld {
  readonly memory: PortMemory
  /** Whether a policy is in force that may keep events otherwise, and longer, than they came. */
  mayGrow(): boolean
  now(): Date
  eventId(): string
  /** Takes a value out of an item of a writer; stores nothing. */
  disclose(writer: string, item: Uint8Array, name: string, value: Uint8Array): KeptOut
}

/**
 * Of events that may grow: what they become has twelve times as much room (docs/spec/policy.md, Large events). And of those that are made
 * between the turns of others.
 */
const small = { regionBytes: 256 * 1024, regionEvents: 2_000 }

export interface BodyOrigin {
  readonly request: IncomingMessage
  readonly grant: WriterGrant
}

/**
 * Runs an adapter over a body, a region at a time. Between two regions the core's memory is free for others if the adapter is long;
 * of any other, all regions are to be taken at once. Errors: those of Adapter.open, HTTP_BODY_TOO_LARGE.
 */
export function* frameBody(
  world: RegionsWorld,
  adapter: Adapter,
  bytes: Buffer,
  origin: BodyOrigin,
): Generator<BodyRegion, undefined> {
  const { core, body, events, eventsBytes, rowsMax } = world.memory
  core.memory.set(bytes, body)
  const run = adapter.open(adapterBody(world, bytes.length, origin))
  const isSmall = world.mayGrow() || adapter.isLong === true
  const limit = events + (isSmall ? small.regionBytes : eventsBytes)
  const eventsMax = isSmall ? small.regionEvents : rowsMax
  let total = 0
  for (;;) {
    const next = run.next(events, limit, eventsMax)
    if (next === undefined) return undefined
    const { count, end, ...more } = next
    total += count
    if (total > limits.httpBodyEventsMax)
      throw new PosternError("HTTP_BODY_TOO_LARGE", "too many events")
    yield { region: core.memory.slice(events, end), count, ...more }
    if (adapter.isLong) core.memory.set(bytes, body)
  }
}

function adapterBody(world: RegionsWorld, length: number, origin: BodyOrigin): AdapterBody {
  const { core, body, spans, spansMax } = world.memory
  const { request, grant } = origin
  return {
    core,
    at: body,
    end: body + length,
    contentType: contentTypeOf(request),
    path: pathOf(request),
    headers: request.headers,
    spans,
    spansMax,
    source: sourceOf(grant, grant.id.split("/").at(-1) ?? ""),
    sourceOf: (name) => sourceOf(grant, name),
    now: world.now().toISOString(),
    itemBytesMax: grant.eventBytesMax,
    keepOut: (item, name, value) => world.disclose(grant.id, item, name, value),
    id: () => world.eventId(),
  }
}

const sourceBytesMax = 256

/**
 * What a sender means that names no source: the first one of its grant; a prefix is completed by a name, its own or that of a part
 * of it, if that makes a source.
 */
function sourceOf(grant: WriterGrant, name: string): string {
  const first = grant.sources.texts[0] ?? "*"
  if (!first.endsWith("*")) return first
  const prefix = first === "*" ? "app://" : first.slice(0, -1)
  const source = `${prefix}${name}`
  if (Buffer.byteLength(source) <= sourceBytesMax && /^[^\p{C}"\\]+$/u.test(source)) return source
  return `${prefix}${grant.id.split("/").at(-1) ?? ""}`
}
