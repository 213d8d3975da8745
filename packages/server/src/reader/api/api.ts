import { PosternError } from "@postern/log/base"
import { type Context, Hono } from "hono"
import type { Peer } from "../../acceptor/index.ts"
import { agreementRoute } from "./agreement.ts"
import { openCheckpoints } from "./checkpoint.ts"
import type { Desk } from "./desk.ts"
import { disclosureRoute } from "./disclosures.ts"
import { entryRoutes } from "./entries.ts"
import { openOpenings } from "./entry.ts"
import { openEvidenceAnswers } from "./evidence.ts"
import { openLedger } from "./ledger.ts"
import { openMirrors } from "./mirrors.ts"
import { openApiRoute } from "./openapi.ts"
import { parseParameters } from "./parameters.ts"
import { describeFailure, problemResponse } from "./problem.ts"
import { proofRoutes } from "./proofs.ts"
import type { Route } from "./route.ts"
import { searchRoute } from "./search.ts"
import { openSlotStreams } from "./slots.ts"
import { openTails } from "./tail.ts"
import { tileRoutes } from "./tiles.ts"
import { type ReadCounters, type ReadWorld, zeroCounters } from "./world.ts"

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

/** The read API over one log. Nothing can be appended here: there is no route that takes anything but a question. */
export function createReadApi(world: ReadWorld): ReadApi {
  const counters = zeroCounters()
  const desk: Desk = {
    world,
    checkpoints: openCheckpoints(world.view),
    openings: openOpenings(world.view, world.limits.openingsMax),
    ledger: openLedger(world, counters),
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
    tails.route,
    slots.route,
    evidence.route,
    agreementRoute(desk),
  ]
  const routes = [...asked, openApiRoute(asked)]
  const app = new Hono<ReadEnv>()
  app.use(async (context, next) => {
    if (context.req.method !== "GET") throw new PosternError("HTTP_METHOD")
    await next()
  })
  for (const route of routes) app.get(route.pattern, (context) => answer(world, route, context))
  app.notFound(() => problemResponse(new PosternError("HTTP_ROUTE")))
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
  if (grant === undefined || (route.see === "auditor" && grant.see !== "auditor")) {
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
