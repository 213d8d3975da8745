import { PosternError } from "@postern/log/base"
import type { Context } from "hono"
import { z } from "zod"
import type { ReadEnv } from "./api.ts"
import type { Desk } from "./desk.ts"
import { alertsSchema } from "./house-schema.ts"
import { mayAsk } from "./joined.ts"
import { problemResponse } from "./problem.ts"
import { defineRoute, jsonResponse, type Route } from "./route.ts"
import type { ReadWorld } from "./world.ts"

/** Saved questions, and how the alerts stand. */
export function alertsRoute(desk: Desk): Route {
  return defineRoute({
    path: "/v1/alerts",
    pattern: "/v1/alerts",
    operation: "listAlerts",
    summary: "Saved questions, and how each alert stands",
    see: "auditor",
    query: z.strictObject({}),
    answer: { type: "application/json", schema: alertsSchema },
    async handle() {
      desk.counters.surveys++
      return jsonResponse(await desk.world.house.alerts.word())
    },
  })
}

export const alertTestPath = "/v1/alerts/{name}/test"
export const alertTestRoute = "/v1/alerts/:name/test"
const alertTestPattern = /^\/v1\/alerts\/[^/]{1,400}\/test$/

export function isAlertTest(method: string, path: string): boolean {
  return method === "POST" && alertTestPattern.test(path)
}

/**
 * Has the courier tell the webhooks of an alert that this is a test; the courier enters it. A page of another site could make a
 * browser with a certificate post, but not with this content type. What is posted is not read.
 */
export async function answerAlertTest(
  world: Pick<ReadWorld, "grantOf" | "house">,
  { env, req }: Context<ReadEnv>,
): Promise<Response> {
  try {
    const grant = world.grantOf(env.peer)
    if (grant === undefined || !mayAsk(grant, "auditor")) {
      throw new PosternError("NOT_GRANTED", "auditor is needed")
    }
    const type = (req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase()
    const site = req.header("sec-fetch-site") ?? "same-origin"
    if (type !== "application/json") {
      throw new PosternError("HTTP_CONTENT_TYPE", "application/json is taken")
    }
    if (site !== "same-origin") throw new PosternError("NOT_GRANTED", "it comes from another site")
    return jsonResponse({ results: await world.house.alerts.test(req.param("name") ?? "") })
  } catch (error) {
    if (!(error instanceof PosternError)) throw error
    const response = problemResponse(error)
    response.headers.set("connection", "close") // What is left of the body is not read.
    return response
  }
}
