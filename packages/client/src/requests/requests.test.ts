import { describe, expect, test } from "vitest"
import { runInContext } from "../context/index.ts"
import { Recorder } from "../writer/recorder.test.support.ts"
import { type EndedRequest, type IncomingRequest, requestContext, writeRoute } from "./index.ts"

const uuid = /^[0-9a-f-]{36}$/
const trace = "0af7651916cd43dd8448eb211c80319c"
const span = "b7ad6b7169203331"

/** What a request without any word of the application says of itself. */
function contextOf(request: IncomingRequest, id?: string) {
  const context = requestContext(request, undefined, id)
  if (typeof context === "function") throw new Error("nothing was said")
  return context
}

describe("requestContext()", () => {
  test("says from where a request came and what it belongs to", () => {
    const headers = {
      ...{ "user-agent": "curl/8", "x-request-id": "r-1" },
      traceparent: `00-${trace}-${span}-01`,
    }
    expect(contextOf({ headers, ip: "::ffff:192.0.2.1" })).toEqual({
      origin: { ip: "192.0.2.1", userAgent: "curl/8" },
      trace: { requestId: "r-1", traceId: trace, spanId: span },
    })
    expect(contextOf({ headers: {}, ip: "2001:db8::1" }, "f-1")).toEqual({
      origin: { ip: "2001:db8::1" },
      trace: { requestId: "f-1" },
    })
  })

  const odd: [name: string, value: string | string[]][] = [
    ["x-request-id", "with space"],
    ["x-request-id", "x".repeat(129)],
    ["x-request-id", "\u0007"],
    ["x-request-id", ["a", "b"]],
    ["traceparent", `00-${"0".repeat(32)}-${span}-01`],
    ["traceparent", `00-${trace}-${"0".repeat(16)}-01`],
    ["traceparent", `ff-${trace}-${span}-01`],
    ["traceparent", `00-${trace.toUpperCase()}-${span}-01`],
    ["traceparent", "x".repeat(8000)],
  ]
  test.each(odd)("takes no odd %s", (name, value) => {
    const { requestId, ...rest } = contextOf({ headers: { [name]: value } }).trace ?? {}
    expect(requestId).toMatch(uuid)
    expect(rest).toEqual({})
  })

  test("clips what a client may make long", () => {
    const { origin } = contextOf({ headers: { "user-agent": "x".repeat(9000) } })
    expect(origin?.userAgent).toHaveLength(512)
  })

  test("asks the application late, and calls anonymous whom it does not name", () => {
    const request: IncomingRequest & { user?: string } = { headers: {}, ip: "192.0.2.1" }
    const context = requestContext(request, ({ user }) => ({ actor: user, trace: { job: "j" } }))
    if (typeof context !== "function") throw new Error("asked at once")
    expect(context().actor).toEqual({ type: "anonymous", id: "anonymous" })
    request.user = "alice"
    expect(context()).toMatchObject({
      ...{ actor: "alice", origin: { ip: "192.0.2.1" } },
      trace: { job: "j", requestId: expect.stringMatching(uuid) },
    })
  })
})

describe("writeRoute()", () => {
  const plain: EndedRequest = {
    ...{ method: "GET", url: "/invoices/1?token=secret#x", route: "/invoices/:id" },
    ...{ status: 200, isFinished: true },
  }
  const ended = (more: Partial<EndedRequest>, details?: () => object) => {
    const recorder = new Recorder()
    writeRoute(recorder.audit, { action: "invoice.read", details }, {}, { ...plain, ...more })
    expect(recorder.problems).toEqual([])
    return recorder.event
  }

  const outcomes: [status: number, outcome: string][] = [
    ...[200, 204, 304].map((status): [number, string] => [status, "success"]),
    ...[401, 403].map((status): [number, string] => [status, "denied"]),
    ...[400, 404, 429].map((status): [number, string] => [status, "failure"]),
    ...[500, 503].map((status): [number, string] => [status, "error"]),
    [700, "unknown"],
  ]
  test.each(outcomes)("status %d is %s", (status, outcome) => {
    const { reason, ...event } = ended({ status })
    expect(event).toMatchObject({ outcome, response: { status } })
    expect(reason).toEqual(status < 400 ? undefined : { code: `HTTP_${status}` })
  })

  test("keeps method, path and route, and no query", () => {
    const event = ended({}, () => ({ target: "invoice/1" }))
    expect(event).toMatchObject({
      request: { method: "GET", path: "/invoices/1", route: "/invoices/:id" },
      ...{ targets: [{ type: "invoice", id: "1" }], actor: { type: "system", id: "unknown" } },
    })
    expect(JSON.stringify(event)).not.toContain("secret")
  })

  test("does not guess how a request ended that nobody waited for", () => {
    expect(ended({ isFinished: false })).toMatchObject({
      ...{ outcome: "unknown", reason: { code: "ABORTED" } },
    })
  })

  test("writes an event though the application's function fails", () => {
    const details = () => {
      throw new TypeError("secret")
    }
    const event = ended({}, details)
    expect(event.data).toEqual({ detailsError: "TypeError" })
    expect(JSON.stringify(event)).not.toContain("secret")
  })

  test("takes the actor of the context", () => {
    const recorder = new Recorder()
    runInContext({ actor: "alice" }, () => {
      writeRoute(recorder.audit, { action: "a.b", details: undefined }, {}, plain)
    })
    expect(recorder.event.actor).toEqual({ type: "user", id: "alice" })
  })
})
