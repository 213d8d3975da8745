import { once } from "node:events"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { parseWebhookUrl, postJson, Webhook, type WebhookWorld } from "./webhook.ts"

let server: Server
let url: string
/** What the other end answers next; then 204. */
let answers: number[]
let bodies: string[]

beforeEach(async () => {
  answers = []
  bodies = []
  server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on("end", () => {
      const status = answers.shift() ?? 204
      if (status === 0) return response.destroy()
      if (status < 300) bodies.push(`${request.method} ${request.headers["content-type"]} ${body}`)
      response.writeHead(status, status === 307 ? { location: "/elsewhere" } : {}).end("ignored")
    })
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=x`
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
})

function worldOf(more: Partial<WebhookWorld> = {}) {
  const pauses: number[] = []
  const reasons: string[] = []
  const world: WebhookWorld = {
    post: postJson,
    pause: async (ms) => {
      pauses.push(ms)
      await new Promise((resolve) => setImmediate(resolve))
    },
    failed: (reason) => void reasons.push(reason),
    delivered: () => undefined,
    ...more,
  }
  return { world, pauses, reasons }
}

const line = (text: string) => `POST application/json ${text}`

describe("a webhook", () => {
  test("is sent each message, in order", async () => {
    const webhook = new Webhook(url, worldOf().world)
    for (const text of ["1", "2", "3"]) webhook.send(text)
    await vi.waitFor(() => expect(webhook.undelivered).toEqual([]), 10_000)
    expect(bodies).toEqual(["1", "2", "3"].map(line))
  })

  test("that fails is asked again, later each time, and told of once", async () => {
    answers = [500, 0, 404, 307]
    const { world, pauses, reasons } = worldOf()
    const webhook = new Webhook(url, world)
    webhook.send("1")
    webhook.send("2")
    await vi.waitFor(() => expect(bodies).toEqual([line("1"), line("2")]), 10_000)
    expect(pauses).toEqual([1000, 2000, 4000, 8000])
    expect(reasons).toEqual(["it answered with status 500"])
  })

  test("waits a minute at most between two tries", async () => {
    answers = Array.from({ length: 9 }, () => 503)
    const { world, pauses } = worldOf()
    new Webhook(url, world).send("1")
    await vi.waitFor(() => expect(bodies).toEqual([line("1")]), 10_000)
    expect(pauses.slice(-3)).toEqual([60_000, 60_000, 60_000])
  })

  test("goes on with what an earlier process left, and says what was taken", async () => {
    let delivered = 0
    const { world } = worldOf({ delivered: () => void delivered++ })
    const webhook = new Webhook(url, world, ["old"])
    webhook.send("new")
    await vi.waitFor(() => expect(delivered).toBe(2), 10_000)
    expect(bodies).toEqual([line("old"), line("new")])
  })

  test("leaves what it could not deliver when it is stopped", async () => {
    const post = () => Promise.reject(new Error("no route"))
    const pause: WebhookWorld["pause"] = (ms, signal) =>
      new Promise((resolve) => {
        // The wait for the next try ends with the signal alone.
        if (ms === 10) setImmediate(resolve)
        else signal.addEventListener("abort", () => resolve())
      })
    const { world, reasons } = worldOf({ post, pause })
    const webhook = new Webhook(url, world)
    webhook.send("1")
    await webhook.stop(10)
    expect(webhook.undelivered).toEqual(["1"])
    expect(reasons).toEqual(["no route"])
  })

  test("keeps the newest messages if nobody takes them", async () => {
    const { world } = worldOf({ post: () => new Promise<number>(() => undefined) })
    const webhook = new Webhook(url, world)
    for (let i = 0; i < 1100; i++) webhook.send(`${i}`)
    expect([webhook.undelivered.length, webhook.undelivered.at(-1)]).toEqual([1000, "1099"])
  })

  test.each(["http://example.com/", "ftp://127.0.0.1/", "http://127.0.0.1.evil.test/", "x", ""])(
    "is not %s",
    (text) => expect(() => parseWebhookUrl(text)).toThrow("https"),
  )

  test.each([
    "https://example.com/a?b",
    "http://localhost:1/",
    "http://[::1]:80/",
    "http://127.1.2.3/",
  ])("may be %s", (text) => expect(parseWebhookUrl(text).href).toBe(text.replace(":80/", "/")))
})
