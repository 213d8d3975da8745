import { createHmac } from "node:crypto"
import { once } from "node:events"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { Webhook } from "../../alerts/index.ts"
import { createAuthority, issueCertificate } from "../../guard/pki/index.ts"
import { type Answer, openReceiver } from "./receiver.test.support.ts"
import { postWebhook, readWebhookSecret } from "./webhook-wire.ts"

let directory: string
const ends: (() => void)[] = []
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-webhook-"))
})
afterAll(() => rmSync(directory, { recursive: true }))
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

const never = new AbortController().signal
const message = { id: "msg_1", body: '{"alert":"a"}' }
const hook = (url: string, more: Partial<Webhook> = {}): Webhook => {
  return { name: "w", url, timeoutSeconds: 20, ...more }
}

async function receiver(answer?: Answer) {
  const opened = await openReceiver(answer)
  ends.push(opened.close)
  return opened
}

function file(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

describe("a webhook", () => {
  test("gets the body, signed with time and id by its secret", async () => {
    const { url, received } = await receiver()
    const key = Buffer.alloc(32, 7)
    const secret = file("secret", `whsec_${key.toString("base64")}\n`)
    const answer = await postWebhook(hook(url, { secret }), message, never)
    expect(answer).toEqual({ status: 204, text: "", mayPass: false })
    const [{ headers, body } = { headers: {}, body: "" }] = received
    expect(body).toBe(message.body)
    expect(headers["content-type"]).toBe("application/json")
    const time = Number(headers["webhook-timestamp"])
    expect(Math.abs(Date.now() / 1000 - time)).toBeLessThan(60)
    const mac = createHmac("sha256", key).update(`msg_1.${time}.${body}`).digest("base64")
    expect(headers["webhook-signature"]).toBe(`v1,${mac}`)
    expect(headers["webhook-id"]).toBe("msg_1")
  })

  test("without a secret gets no signature", async () => {
    const { url, received } = await receiver()
    await postWebhook(hook(url), message, never)
    expect(received[0]?.headers["webhook-signature"]).toBeUndefined()
  })

  test("that sends elsewhere is not followed", async () => {
    const other = await receiver()
    const { url } = await receiver((_, response) =>
      response.writeHead(307, { location: other.url }).end(),
    )
    expect(await postWebhook(hook(url), message, never)).toMatchObject({
      status: 307,
      mayPass: false,
    })
    expect(other.received).toEqual([])
  })

  test("is reached straight, whatever the environment says of proxies", async () => {
    const proxy = await receiver()
    const { url, received } = await receiver()
    for (const name of ["http_proxy", "HTTP_PROXY", "NODE_USE_ENV_PROXY"]) {
      process.env[name] = name.startsWith("NODE") ? "1" : new URL(proxy.url).origin
      ends.push(() => delete process.env[name])
    }
    await postWebhook(hook(url), message, never)
    expect([received.length, proxy.received.length]).toEqual([1, 0])
  })

  test("that answers without end is cut off, and has answered", async () => {
    let written = 0
    const { url } = await receiver((_, response) => {
      response.writeHead(200)
      const more = (): void => {
        do written += 65_536
        while (response.write("x".repeat(65_536)))
      }
      response.on("drain", more)
      more()
    })
    const { status, text } = await postWebhook(hook(url), message, never)
    expect([status, text]).toEqual([200, "x".repeat(200)])
    // What fits the buffers between the two, and no more.
    expect(written).toBeLessThan(32 * 1024 * 1024)
  })

  // Whoever answers has time to, however busy the machine is.
  test.each<[name: string, answer: Answer, outcome: object, timeoutSeconds?: number]>([
    [
      "fails",
      (_, response) => response.writeHead(500).end("oh"),
      { status: 500, text: "oh", mayPass: true },
    ],
    ["has enough", (_, response) => response.writeHead(429).end(), { status: 429, mayPass: true }],
    [
      "refuses",
      (_, response) => response.writeHead(403).end("no"),
      { status: 403, mayPass: false },
    ],
    [
      "is slow",
      () => undefined,
      { status: undefined, text: "no answer within 1 s", mayPass: true },
      1,
    ],
    [
      "trickles",
      (_, response) => void response.writeHead(200).write("y"),
      { status: 200, text: "y" },
      4,
    ],
    [
      "hangs up",
      (request) => void request.socket.destroy(),
      { status: undefined, text: expect.stringMatching(/hang up|reset/) },
    ],
  ])("that %s", async (_name, answer, outcome, timeoutSeconds = 20) => {
    const { url } = await receiver(answer)
    const answered = await postWebhook(hook(url, { timeoutSeconds }), message, never)
    expect(answered).toMatchObject(outcome)
  })

  test("that is not there is a reason", async () => {
    const answer = await postWebhook(hook("http://127.0.0.1:1/"), message, never)
    expect(answer).toMatchObject({
      status: undefined,
      text: expect.stringContaining("ECONNREFUSED"),
    })
  })

  test("by TLS is believed by its CA only", async () => {
    const now = new Date()
    const authority = await createAuthority({ trustDomain: "alarms.example", now })
    const pair = await issueCertificate({
      ...{ authority, id: "spiffe://alarms.example/hook", usage: "server", now },
      ...{ dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] },
    })
    const server = createTlsServer(
      { key: pair.key, cert: pair.certificate },
      (request, response) => {
        request.resume().on("end", () => response.end("taken"))
      },
    ).listen(0, "127.0.0.1")
    ends.push(() => server.close())
    await once(server, "listening")
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const ca = file("ca.pem", authority.certificate)
    expect(await postWebhook(hook(url, { ca }), message, never)).toMatchObject({
      status: 200,
      text: "taken",
    })
    const stranger = await postWebhook(hook(url), message, never)
    expect(stranger).toMatchObject({
      status: undefined,
      text: expect.stringMatching(/certificate/),
    })
  })
})

describe("a secret", () => {
  const good = `whsec_${Buffer.alloc(24, 1).toString("base64")}`
  test.each([
    ["short", `whsec_${Buffer.alloc(23, 1).toString("base64")}`, 0o600],
    ["plain", "a secret that is long enough to be one", 0o600],
    ["empty", "", 0o600],
    ["open", good, 0o644],
  ])("that is %s is refused", (name, text, mode) => {
    expect(() => readWebhookSecret(file(name, text, mode))).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    )
  })
  test("is whsec_ and base64", () => {
    expect(readWebhookSecret(file("good", good))).toEqual(new Uint8Array(24).fill(1))
  })
})
