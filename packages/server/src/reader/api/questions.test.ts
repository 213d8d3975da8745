import { describe, expect, it } from "vitest"
import { openDesk } from "./api.test.support.ts"
import { FakeLog } from "./fake-log.test.support.ts"

async function publishedLog(): Promise<FakeLog> {
  const log = new FakeLog()
  log.fill(20)
  await log.publish()
  return log
}

const monitored = [
  "/checkpoint",
  "/tile/0/000.p/5",
  "/v1/proof/inclusion?index=1&size=5",
  "/v1/proof/consistency?from=1&to=5",
  "/v1/status",
  "/openapi.json",
]
const audited = [
  "/tile/entries/000.p/5",
  "/v1/entries",
  "/v1/entries/3",
  "/v1/search",
  "/v1/tail",
  "/v1/evidence?index=3",
]

describe("grants", () => {
  it.each(monitored)("monitor and auditor may ask %s, a stranger not", async (path) => {
    const { ask, json } = openDesk(await publishedLog())
    for (const reader of ["monitor", "auditor"]) expect((await ask(path, reader)).status).toBe(200)
    expect((await json(path, 403, "stranger")).code).toBe("NOT_GRANTED")
  })

  it.each(audited)("an auditor may ask %s, monitor and stranger not", async (path) => {
    const { ask, json } = openDesk(await publishedLog())
    const answer = await ask(path)
    expect(answer.status).toBe(200)
    await answer.body?.cancel()
    for (const reader of ["monitor", "stranger"]) {
      expect((await json(path, 403, reader)).code).toBe("NOT_GRANTED")
    }
  })

  it("are asked for every request", async () => {
    const { json, grants } = openDesk(await publishedLog())
    await json("/v1/entries")
    grants.set("spiffe://postern.test/reader/auditor", "monitor")
    await json("/v1/entries", 403)
    expect(await json("/v1/status")).toMatchObject({ see: "monitor" })
  })

  it("come before the question: a stranger learns nothing about its parameters", async () => {
    const { json } = openDesk(await publishedLog())
    expect((await json("/v1/entries?nonsense", 403, "stranger")).code).toBe("NOT_GRANTED")
    expect((await json("/v1/entries/9999999", 403, "monitor")).code).toBe("NOT_GRANTED")
  })

  it("leave no way to append: nothing but GET is taken, anywhere", async () => {
    const { ask } = openDesk(await publishedLog())
    const paths = [...monitored, ...audited, "/v1/events", "/v1/kubernetes/audit"]
    for (const path of paths) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]) {
        const answer = await ask(path, "auditor", { method })
        expect(answer.status, `${method} ${path}`).toBe(405)
        expect(answer.headers.get("allow")).toBe("GET")
      }
    }
  })
})

const hostile = [
  "/v1/entries?from=-1",
  "/v1/entries?from=+1",
  "/v1/entries?from=01",
  "/v1/entries?from=1.0",
  "/v1/entries?from=1e3",
  "/v1/entries?from=0x10",
  "/v1/entries?from=%201",
  "/v1/entries?from=1%0a",
  "/v1/entries?from=1%00",
  "/v1/entries?from=NaN",
  "/v1/entries?from=",
  "/v1/entries?from",
  "/v1/entries?from=999999999999999",
  "/v1/entries?from=9007199254740993",
  "/v1/entries?from=1&from=2",
  "/v1/entries?from=1&FROM=2",
  "/v1/entries?from[]=1",
  "/v1/entries?__proto__=1",
  "/v1/entries?constructor=1",
  "/v1/entries?limit=0",
  "/v1/entries?limit=10000",
  "/v1/entries?limit=-5",
  "/v1/entries?limit=99999999999999999999",
  "/v1/entries?since=yesterday",
  "/v1/entries?since=2026-02-30T00:00:00Z",
  "/v1/entries?since=2026-11-22",
  "/v1/entries?since=2026-11-22T12:00:00",
  "/v1/entries?since=2026-11-22T12:00:00+01:00",
  `/v1/entries?since=${"9".repeat(5000)}`,
  "/v1/entries?since=2026-11-22T13:00:00Z&until=2026-11-22T12:00:00Z",
  "/v1/entries?action=x",
  "/v1/entries/-1",
  "/v1/entries/01",
  "/v1/entries/abc",
  "/v1/entries/1e1",
  "/v1/entries/99999999999999999",
  "/v1/entries/%31%00",
  "/v1/entries/1?size=",
  "/v1/entries/1?size=abc",
  "/v1/entries/1?size=5&size=6",
  "/v1/search?order=up",
  "/v1/search?limit=x",
  "/v1/search?action=invoice.*",
  "/v1/search?q=a&q=b",
  "/v1/search?unknown=1",
  "/v1/search?from=1",
  "/v1/search?after=1",
  `/v1/search?cursor=${"a".repeat(5000)}`,
  "/v1/search?cursor=",
  "/v1/search?cursor=../../etc/passwd",
  "/v1/search?since=2026-11-22T12:00:00Z&until=2026-11-22T12:00:00Z",
  "/v1/tail?after=-2",
  "/v1/tail?after=1.5",
  "/v1/tail?since=2026-11-22T12:00:00Z",
  "/v1/tail?cursor=x",
  "/v1/proof/inclusion",
  "/v1/proof/inclusion?index=1",
  "/v1/proof/inclusion?index=a&size=5",
  "/v1/proof/consistency?from=1&to=-1",
  "/v1/status?x=1",
  "/openapi.json?x",
  "/checkpoint?x=1",
  "/tile/0/000.p/5?x=1",
]

const absent = [
  "/v1",
  "/v1/",
  "/v1/entries/",
  "/v1/entries/1/2",
  "/V1/entries",
  "/v1/entries/1000",
  "/v1/events",
  "/v2/entries",
  "/metrics",
  "/livez",
  "/etc/passwd",
  "/../../etc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/v1/tail?after=1000",
  "/v1/proof/inclusion?index=5&size=5",
  "/v1/proof/inclusion?index=1&size=1000",
  "/v1/proof/consistency?from=5&to=4",
  "/v1/proof/consistency?from=5&to=1000",
]

const unreadable = [
  ...["actor:", "action:NO\\ SUCH", "a*b", "outcome:sucess", '"', "(", "nothing:x", "\u0000"],
  ...["a".repeat(5000), "(".repeat(4000), "-".repeat(4096), "a ".repeat(2000)],
]

describe("a hostile question", () => {
  it.each(hostile)("is refused by name: %s", async (path) => {
    const { json, lines, api } = openDesk(await publishedLog())
    const problem = await json(path, 400)
    expect(problem.code).toBe("REQUEST_INVALID")
    expect(problem.detail.length).toBeLessThan(300)
    expect(lines).toEqual([])
    expect(api.counters.refused).toBe(1)
  })

  it.each(absent)("for what is not there finds nothing: %s", async (path) => {
    const { json } = openDesk(await publishedLog())
    expect((await json(path, 404)).code).toMatch(/^(?:NOT_FOUND|HTTP_ROUTE)$/)
  })

  it.each(unreadable)("with a query that cannot be read says where: %j", async (q) => {
    const { json, lines } = openDesk(await publishedLog())
    for (const path of ["search", "tail", "evidence"]) {
      const problem = await json(`/v1/${path}?q=${encodeURIComponent(q)}`, 400)
      expect(problem.code).toBe("QUERY_INVALID")
      expect(problem.detail.length).toBeLessThan(300)
      expect(problem.at + problem.length).toBeLessThanOrEqual(q.length)
    }
    expect(lines).toEqual([])
  })

  it("gets a hint where one is near", async () => {
    const { json } = openDesk(await publishedLog())
    const problem = await json("/v1/search?q=a%20outcome:sucess", 400)
    expect(problem.detail).toContain("did you mean success?")
    expect(problem).toMatchObject({ at: 10, length: 6, suggestion: "success" })
    expect((await json("/v1/search?ordre=asc", 400)).detail).toContain("did you mean order?")
  })

  it("with a Last-Event-ID that is none is refused as well", async () => {
    const { ask } = openDesk(await publishedLog())
    for (const id of ["x", "-2", "1, 2", "99999999999999999999"]) {
      const answer = await ask("/v1/tail", "auditor", { headers: { "last-event-id": id } })
      expect(answer.status, id).toBe(400)
    }
  })

  it("that meets a failure of ours learns nothing of it, the operator does", async () => {
    const log = await publishedLog()
    const { json, lines } = openDesk(log)
    log.leaves = () => Promise.reject(new Error("EIO: /var/lib/postern/secret-path"))
    const problem = await json("/v1/entries", 500)
    expect(problem.code).toBe("READ_FAILED")
    expect(JSON.stringify(problem)).not.toContain("secret-path")
    expect(lines.join()).toContain("secret-path")
  })
})
