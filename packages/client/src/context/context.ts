import { AsyncLocalStorage } from "node:async_hooks"
import { randomUUID } from "node:crypto"
import type { ActorInput, JsonObject } from "@postern/log/event"

/** What an event takes from around it, where it does not say it itself. */
export interface AuditContext {
  /** Who acts. A string is the id of a user. */
  readonly actor?: ActorInput | undefined
  /** For whom this actor acts, nearest first. Fills only events that take the actor from here, too. */
  readonly onBehalfOf?: readonly ActorInput[] | undefined
  readonly tenant?: string | undefined
  /** Added to the event's own, key by key, as are `trace` and `labels`: what the event says counts. */
  readonly origin?: JsonObject | undefined
  readonly trace?: JsonObject | undefined
  readonly labels?: JsonObject | undefined
}

/** A context, or what gives it: asked at each event, so that it may know more as a request goes on. It sees the context around it. */
export type ContextSource = AuditContext | (() => AuditContext)

export interface AgentRun {
  /** Joins what one run did: `trace.runId`. Default: a new UUID. */
  readonly runId?: string
}

type Scope = () => AuditContext

const storage = new AsyncLocalStorage<Scope | undefined>()

/**
 * Runs `fn` in a context; events that are written in it, or in what it has started, are filled from there. Inside another one it adds
 * to that. Gives back what `fn` gives, and throws what it throws.
 */
export function runInContext<T>(source: ContextSource, fn: () => T): T {
  const outer = storage.getStore()
  const scope = (): AuditContext => {
    // In the context around it: a function that writes an event itself must not be asked for its own.
    const own = typeof source === "function" ? storage.run(outer, source) : source
    return outer === undefined ? own : join(outer(), own)
  }
  return storage.run(scope, fn)
}

/**
 * Runs `fn` as an agent that acts for whoever acts now: the actor becomes the first of `onBehalfOf`, before those that he acts for. Within
 * another agent's run the chain grows. A string is the id of an agent.
 */
export function runAsAgent<T>(agent: ActorInput, fn: () => T, run: AgentRun = {}): T {
  const actor = typeof agent === "string" ? { type: "agent", id: agent } : agent
  const { runId = randomUUID() } = run
  const outer = storage.getStore()
  const scope = (): AuditContext => {
    const { actor: principal, onBehalfOf = [], trace, ...rest } = outer?.() ?? {}
    const chain = principal === undefined ? onBehalfOf : [principal, ...onBehalfOf]
    return { ...rest, actor, onBehalfOf: chain, trace: { ...trace, runId } }
  }
  return storage.run(scope, fn)
}

/** What an event written now would be filled from; undefined outside of any context. Throws what a function of runInContext() throws. */
export function currentContext(): AuditContext | undefined {
  return storage.getStore()?.()
}

/** The function in the context of now, whoever calls it: for events of emitters, which come from elsewhere. */
export function bindContext<A extends readonly unknown[], T>(
  fn: (...args: A) => T,
): (...args: A) => T {
  const scope = storage.getStore()
  return (...args) => storage.run(scope, () => fn(...args))
}

/** An inner context that names an actor names all that acts: for whom the outer one acted says nothing of him. */
function join(outer: AuditContext, inner: AuditContext): AuditContext {
  const who = inner.actor === undefined ? outer : inner
  return {
    actor: who.actor,
    onBehalfOf: inner.onBehalfOf ?? who.onBehalfOf,
    tenant: inner.tenant ?? outer.tenant,
    origin: added(outer.origin, inner.origin),
    trace: added(outer.trace, inner.trace),
    labels: added(outer.labels, inner.labels),
  }
}

function added(
  outer: JsonObject | undefined,
  inner: JsonObject | undefined,
): JsonObject | undefined {
  if (outer === undefined || inner === undefined) return inner ?? outer
  return { ...outer, ...inner }
}
