import { PosternError } from "@postern/log/base"
import { type Context, Hono } from "hono"
import type { Peer } from "../../acceptor/index.ts"
import { accessRoute } from "./access.ts"
import { agreementRoute } from "./agreement.ts"
import { alertsRoute, alertTestRoute, answerAlertTest, isAlertTest } from "./alerts.ts"
import { answerCertificate, certificatePath } from "./certificate.ts"
import { openCheckpoints } from "./checkpoint.ts"
import { completionRoute } from "./completion.ts"
import { consoleResponse } from "./console.ts"
import { countRoutes } from "./counts.ts"
import type { Desk } from "./desk.ts"
import { disclosureRoute } from "./disclosures.ts"
import { entryRoutes } from "./entries.ts"
import { openOpenings } from "./entry.ts"
import { openEvidenceAnswers } from "./evidence.ts"
import { mayAsk } from "./joined.ts"
import { openLedger } from "./ledger.ts"
import { logRoute } from "./log.ts"
import { openMirrors } from "./mirrors.ts"
import { openApiRoute } from "./openapi.ts"
import { parseParameters } from "./parameters.ts"
import { policyRoute } from "./policy.ts"
import { portRoute } from "./port.ts"
import { describeFailure, problemResponse } from "./problem.ts"
import { proofRoutes } from "./proofs.ts"
import { openQuickFold } from "./quick-fold.ts"
import type { Route } from "./route.ts"
import { searchRoute } from "./search.ts"
import { openSlotStreams } from "./slots.ts"
import { openTails } from "./tail.ts"
import { tileRoutes } from "./tiles.ts"
import { type ReadCounters, type ReadWorld, zeroCounters } from "./world.ts"
import { writersRoute } from "./writers.ts"

/** What Hono is handed beside the request: who asks, as the acceptor found it, and how to end the connection. */
export type ReadEnv = { Bindings: { readonly peer: Peer; readonly cut?: () => void } }

export interface ReadApi {
  readonly app: Hono<ReadEnv>
  /** All there is to ask; the OpenAPI document is made from it. */
  readonly routes: readonly Route[]
  readonly counters: Readonly<ReadCounters>
  /** Ends tails and writes what is still to be recorded. Requests that come later are refused by the tail alone. */
  close(): Promise<void>
}

/** The read API over one log. Nothing can be appended here: all that is taken besides questions are certificate requests. */
export function createReadApi(world: ReadWorld): ReadApi {
  const counters = zeroCounters()
  const desk: Desk = {
    world,
    checkpoints: openCheckpoints(world.view),
    openings: openOpenings(world.view, world.limits.openingsMax),
    ledger: openLedger(world, counters),
    fold: openQuickFold(),
    mirrors: openMirrors(world),
    counters,
  }
  const tails = openTails(desk)
  const slots = openSlotStreams(desk)
  const evidence = openEvidenceAnswers(desk)
  const asked = [
    ...tileRoutes(desk),
    ...entryRoutes(desk),
    disclosureRoute(desk),
    ...proofRoutes(desk),
    searchRoute(desk),
    ...countRoutes(desk),
    completionRoute(desk),
    tails.route,
    slots.route,
    evidence.route,
    agreementRoute(desk),
    writersRoute(desk),
    portRoute(desk),
    accessRoute(desk),
    policyRoute(desk),
    logRoute(desk),
    alertsRoute(desk),
  ]
  const routes = [...asked, openApiRoute(asked)]
  const app = new Hono<ReadEnv>()
  app.use(async (context, next) => {
    const { method, path } = context.req
    const isRenewal = method === "POST" && path === certificatePath
    const isQuestion = method === "GET" || isAlertTest(method, path)
    if (!isQuestion && !isRenewal) throw new PosternError("HTTP_METHOD")
    await next()
  })
  app.post(certificatePath, (context) => answerCertificate(world, context))
  app.post(alertTestRoute, (context) => answerAlertTest(world, context))
  for (const route of routes) app.get(route.pattern, (context) => answer(world, route, context))
  // Behind all routes: a file can take no path from them.
  app.notFound(({ env, req }) => {
    if (world.grantOf(env.peer) === undefined) throw new PosternError("NOT_GRANTED", "none at all")
    const page = consoleResponse(world.console, req.path, req.raw.headers, counters)
    return page ?? problemResponse(new PosternError("HTTP_ROUTE"))
  })
  app.onError((error) => {
    const failure = describeFailure(error, world)
    if (failure.kind === "refused") counters.refused++
    return problemResponse(failure)
  })
  async function close(): Promise<void> {
    await Promise.all([tails.close(), slots.close(), evidence.close()])
    await desk.ledger.close()
  }
  return { app, routes, counters, close }
}

/** Grant first, then the question: who may not ask does not learn whether the question was a good one. */
async function answer(
  world: ReadWorld,
  route: Route,
  context: Context<ReadEnv>,
): Promise<Response> {
  const { peer, cut } = context.env
  const grant = world.grantOf(peer)
  if (grant === undefined || !mayAsk(grant, route.see)) {
    const needed = grant === undefined ? "none at all" : `${route.see} is needed`
    throw new PosternError("NOT_GRANTED", needed)
  }
  const { pathname, search, searchParams } = new URL(context.req.url)
  return route.handle({
    peer,
    grant,
    path: pathname.slice(1),
    text: `${pathname}${search}`,
    query: parseParameters(searchParams, route.query),
    lastEventId: context.req.header("last-event-id"),
    cut,
  })
}
