/**
 * `@postern/client/fastify`: a plugin (`auditRequests`) that gives each request its context and writes one event for each request to a route marked
 * with `audited()`. It holds for the scope in which it is registered and for those inside. Never looks at a body, never answers a request.
 */
import { bindContext, runInContext } from "../context/index.ts"
import type { LosingAudit } from "../losses/index.ts"
import {
  type AuditedRoute,
  type IncomingRequest,
  type RequestSource,
  requestContext,
  writeRoute,
} from "../requests/index.ts"
import type { Details } from "../writer/index.ts"

/** What is asked of Fastify's request. */
export interface FastifyRequestLike extends IncomingRequest {
  readonly id: string
  readonly method: string
  readonly originalUrl: string
  readonly routeOptions: { readonly url?: string | undefined; readonly config: object }
}

/** What is asked of Fastify's reply. */
export interface FastifyReplyLike {
  readonly statusCode: number
  readonly raw: { readonly writableFinished: boolean }
}

/** What is asked of a Fastify instance. */
export interface FastifyLike<R> {
  addHook(
    name: "onRequest" | "onResponse",
    hook: (request: R, reply: FastifyReplyLike, done: () => void) => void,
  ): unknown
}

export interface AuditRequestsOptions<R> {
  readonly audit: LosingAudit
  /** What the application knows of a request: asked when an event is written, so it may use what authentication finds out. */
  readonly context?: RequestSource<R>
}

/** In a route's `config`. */
export interface AuditedConfig<R> {
  readonly audit: AuditedRoute<R>
  /** Fastify's own, never set here: it makes this type one that a route's `config` takes. */
  readonly url?: string
}

const marks = new WeakSet<object>()

/**
 * For a route's `config`: each request to it is one event, whether it is answered, refused by a hook or fails.
 * @param details of the event besides: its target above all
 */
export function audited<R = FastifyRequestLike>(
  action: string,
  details?: (request: R) => Partial<Details>,
): AuditedConfig<R> {
  const audit: AuditedRoute<R> = { action, details }
  marks.add(audit)
  return { audit }
}

type Scope = (run: () => void) => void

/** The innermost context of each request, and those that are written down, also if the plugin stands in two scopes. */
const scopes = new WeakMap<object, Scope>()
const written = new WeakSet<object>()

/** The plugin: `await app.register(auditRequests, { audit, context })`. */
export function auditRequests<R extends FastifyRequestLike = FastifyRequestLike>(
  instance: FastifyLike<R>,
  { audit, context }: AuditRequestsOptions<R>,
  done: (error?: Error) => void,
): void {
  const open = (request: R, run: () => void): void => {
    runInContext(requestContext(request, context, request.id), () => {
      scopes.set(
        request,
        bindContext((inside: () => void) => inside()),
      )
      run()
    })
  }
  // In an inner scope that registers it once more, inside of what the outer one has opened.
  instance.addHook("onRequest", (request, _reply, next) => open(request, next))
  instance.addHook("onResponse", (request, reply, next) => {
    // A hook that stood before ours may have ended the request.
    const inScope = scopes.get(request) ?? ((run: () => void) => open(request, run))
    inScope(() => {
      writeEnded(audit, request, reply)
      next()
    })
  })
  done()
}

// Fastify's way to say that a plugin is for the scope that registers it, and what it is called.
Object.assign(auditRequests, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@postern/client/fastify",
})

function writeEnded<R extends FastifyRequestLike>(
  audit: LosingAudit,
  request: R,
  reply: FastifyReplyLike,
): void {
  const { url, config } = request.routeOptions
  const { audit: route } = (config ?? {}) as { readonly audit?: AuditedRoute<R> }
  // Another plugin may use the same word in `config` for its own.
  if (route === undefined || !marks.has(route) || written.has(request)) return
  written.add(request)
  writeRoute(audit, route, request, {
    ...{ method: request.method, url: request.originalUrl, route: url, status: reply.statusCode },
    isFinished: reply.raw.writableFinished,
  })
}
