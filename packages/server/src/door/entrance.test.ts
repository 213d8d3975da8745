import { connect } from "node:net"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { ask, type Building, enter, exchange, openBuilding, tokenOf } from "./door.test.support.ts"

let building: Building
let port: number
beforeAll(async () => {
  building = await openBuilding((_, response) => response.end("from the read port"))
  port = building.door.port
})
beforeEach(() => {
  building.state.now += 24 * 60 * 60_000 // What earlier tests did counts no more.
  building.heard.length = 0
})
afterAll(() => building.close())

describe("a link", () => {
  test("opens the door for one browser, once", async () => {
    const link = building.door.link()
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#once=[A-Za-z0-9_-]{22}$/)
    const answer = await exchange(port, tokenOf(link))
    expect(answer.status).toBe(204)
    const [cookie = ""] = answer.headers["set-cookie"] ?? []
    expect(cookie).toMatch(
      /^postern-door-\d+=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    const headers = { cookie: cookie.split(";")[0] ?? "" }
    expect(await ask(port, { headers })).toMatchObject({ status: 200, text: "from the read port" })
    expect((await exchange(port, tokenOf(link))).status).toBe(401)
  })

  test("is void after two minutes, and when a fresh one was printed", async () => {
    const old = tokenOf(building.door.link())
    building.state.now += 120_000
    expect((await exchange(port, old)).status).toBe(401)
    const first = tokenOf(building.door.link())
    const second = tokenOf(building.door.link())
    expect((await exchange(port, first)).status).toBe(401)
    expect((await exchange(port, second)).status).toBe(204)
  })

  test("cannot be guessed for long", async () => {
    const token = tokenOf(building.door.link())
    for (let i = 0; i < 10; i++) expect((await exchange(port, `${token}x`)).status).toBe(401)
    expect((await exchange(port, token)).status).toBe(429)
    building.state.now += 60_000
    expect((await exchange(port, token)).status).toBe(204)
  })

  test.each([
    "",
    "{}",
    "[]",
    '{"once":null}',
    '{"once":""}',
    '{"once":["a"]}',
    `{"once":"${"a".repeat(65)}"}`,
    "x".repeat(100_000),
  ])("is not what somebody sends as %s", async (body) => {
    building.door.link()
    const headers = { origin: `http://127.0.0.1:${port}` }
    const answer = await ask(port, { method: "POST", path: "/once", headers, body })
    expect(answer.status).toBe(401)
    expect(answer.headers["set-cookie"]).toBeUndefined()
  })
})

describe("without a session", () => {
  test("a browser gets a page without anything of the log, and its script", async () => {
    const page = await ask(port)
    expect(page.status).toBe(401)
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8")
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'")
    expect(page.headers["content-security-policy"]).not.toContain("unsafe")
    expect(page.text).not.toMatch(/<script>|<style|style=|onload/)
    const script = await ask(port, { path: "/once.js" })
    expect([script.status, script.headers["content-type"]]).toEqual([
      200,
      "text/javascript; charset=utf-8",
    ])
    expect(script.text).toContain("location.hash")
    expect(building.heard).toEqual([])
  })

  test.each(["/v1/status", "/assets/index-12345678.js", "/openapi.json", "/once"])(
    "%s is a problem, and the read port hears nothing of it",
    async (path) => {
      const answer = await ask(port, { path })
      expect(answer.status).toBe(401)
      expect(JSON.parse(answer.text)).toMatchObject({ code: "DOOR_SESSION" })
      expect(building.heard).toEqual([])
    },
  )

  test("no cookie opens that this door did not give", async () => {
    const own = await enter(building)
    const value = own.slice(own.indexOf("=") + 1)
    for (const cookie of [
      `postern-door-${port + 1}=${value}`,
      `postern-door=${value}`,
      `x${own}`,
      `postern-door-${port}=`,
      `postern-door-${port}=${value}x`,
      `postern-door-${port}`,
      value,
    ]) {
      expect((await ask(port, { headers: { cookie } })).status, cookie).toBe(401)
    }
    const several = { cookie: `a=b; postern-door-${port}=wrong; ${own}` }
    expect((await ask(port, { headers: several })).status).toBe(200)
  })

  test("a session ends when it was idle for twelve hours, and with the seventeenth", async () => {
    const cookie = await enter(building)
    building.state.now += 12 * 60 * 60_000 - 1
    expect((await ask(port, { headers: { cookie } })).status).toBe(200)
    building.state.now += 12 * 60 * 60_000
    expect((await ask(port, { headers: { cookie } })).status).toBe(401)
    const oldest = await enter(building)
    for (let i = 0; i < 16; i++) await enter(building)
    expect((await ask(port, { headers: { cookie: oldest } })).status).toBe(401)
  })
})

describe("a page of somebody else", () => {
  const own = () => ({ host: building.host })
  test.each<[string, Record<string, string>]>([
    ["another name for this address", { host: "evil.example" }],
    ["another name with our port", { host: "evil.example:PORT" }],
    ["a name that begins as ours", { host: "127.0.0.1.evil.example:PORT" }],
    ["no port", { host: "127.0.0.1" }],
    ["another port", { host: "127.0.0.1:1" }],
    ["a name with a dot at its end", { host: "localhost.:PORT" }],
    ["the IPv6 loopback", { host: "[::1]:PORT" }],
    ["an Origin of another site", { origin: "https://evil.example" }],
    ["an Origin of another port", { origin: "http://127.0.0.1:1" }],
    ["an Origin under the other name", { origin: "http://localhost:PORT" }],
    ["an opaque Origin", { origin: "null" }],
    ["another site, says the browser", { "sec-fetch-site": "cross-site" }],
    ["another port of this machine, says the browser", { "sec-fetch-site": "same-site" }],
  ])("is kept out with its cookie, by %s", async (_, given) => {
    const cookie = await enter(building)
    const named = Object.entries(given).map(([name, value]) => [
      name,
      value.replace("PORT", String(port)),
    ])
    const headers = { ...own(), cookie, ...Object.fromEntries(named) }
    for (const path of ["/", "/v1/status", "/once.js"]) {
      const answer = await ask(port, { path, headers })
      expect(answer.status, path).toBe(403)
      expect(JSON.parse(answer.text)).toMatchObject({ code: "DOOR_FOREIGN" })
      expect(Object.keys(answer.headers).join()).not.toContain("access-control")
    }
    const token = tokenOf(building.door.link())
    const posted = await exchange(port, token, headers)
    expect([posted.status, posted.headers["set-cookie"]]).toEqual([403, undefined])
    expect(building.heard).toEqual([])
  })

  test("both of our names are ours", async () => {
    const cookie = await enter(building)
    const site = { "sec-fetch-site": "same-origin" }
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
      const headers = { host, origin: `http://${host}`, cookie, ...site }
      expect((await ask(port, { headers })).status).toBe(200)
    }
  })

  test.each(["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"])(
    "may not %s",
    async (method) => {
      const cookie = await enter(building)
      const headers = { cookie, origin: `http://${building.host}` }
      for (const path of ["/", "/v1/status", "/v1/alerts/a/b/test", "/v1/alerts//test"]) {
        expect((await ask(port, { method, path, headers })).status, path).toBe(403)
      }
      expect(building.heard).toEqual([])
    },
  )

  test("may not post without saying where it comes from", async () => {
    const body = JSON.stringify({ once: tokenOf(building.door.link()) })
    expect((await ask(port, { method: "POST", path: "/once", body })).status).toBe(403)
  })

  test("does not reach the read port with a request that is none", async () => {
    const cookie = await enter(building)
    for (const line of [
      "GET http://evil.example/ HTTP/1.1",
      "GET //evil.example/\u00e9 HTTP/1.1",
      "GET * HTTP/1.1",
      "CONNECT evil.example:443 HTTP/1.1",
    ]) {
      const text = await raw(`${line}\r\nHost: ${building.host}\r\nCookie: ${cookie}\r\n\r\n`)
      expect(text, line).not.toContain("from the read port")
    }
    expect(building.heard).toEqual([])
  })
})

function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port })
    let said = ""
    socket.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      socket.end()
    })
    socket.on("error", reject)
    socket.on("close", () => resolve(said))
    socket.write(text)
  })
}
