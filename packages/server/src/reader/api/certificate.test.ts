import { describe, expect, test } from "vitest"
import { openDesk, peerOf } from "./api.test.support.ts"

const pkcs10 = { "content-type": "application/pkcs10" }
const post = (body: string | ReadableStream, headers: Record<string, string> = pkcs10) => ({
  ...{ method: "POST", body, headers },
  duplex: "half" as const,
})

async function send(init: RequestInit, as = "auditor", path = "/v1/certificate") {
  const desk = openDesk()
  const response = await desk.api.app.request(path, init, { peer: peerOf(as) })
  const text = await response.text()
  return { response, text, code: text.startsWith("{") ? JSON.parse(text).code : undefined, desk }
}

describe("POST /v1/certificate", () => {
  test("gives what the renewal gives for this peer, and records no read", async () => {
    const { response, text, desk } = await send(post("DER"))
    expect(response.status).toBe(200)
    expect(text).toBe(`${peerOf("auditor").id} 444552`)
    expect(response.headers.get("content-type")).toBe("application/pem-certificate-chain")
    expect(response.headers.get("cache-control")).toBe("no-store")
    expect(desk.records).toEqual([])
  })

  test("says what the renewal refused with", async () => {
    const { response, code } = await send(post("DER"), "monitor")
    expect([response.status, code]).toEqual([409, "RENEWAL_EARLY"])
  })

  test.each([
    ["NOT_GRANTED", post("DER"), "nobody"],
    ["HTTP_CONTENT_TYPE", post("DER", { "content-type": "application/json" }), "auditor"],
    ["HTTP_ENCODING", post("DER", { ...pkcs10, "content-encoding": "gzip" }), "auditor"],
    ["RENEWAL_REFUSED", post("x".repeat(4097)), "auditor"],
  ] as const)(
    "answers %s and ends the connection, whose body is not read on",
    async (code, init, as) => {
      const sent = await send(init, as)
      expect(sent.code).toBe(code)
      expect(sent.response.headers.get("connection")).toBe("close")
    },
  )

  test("a body without end is not gathered", async () => {
    let pulled = 0
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(1024))
      },
    })
    expect((await send(post(endless))).code).toBe("RENEWAL_REFUSED")
    expect(pulled).toBeLessThan(10)
  })

  test("is the only thing that is not asked by GET", async () => {
    for (const [method, path] of [
      ["PUT", "/v1/certificate"],
      ["POST", "/v1/certificate/"],
      ["POST", "/v1/search"],
      ["POST", "/checkpoint"],
    ] as const) {
      const { response, code } = await send({ method }, "auditor", path)
      expect([response.status, code], `${method} ${path}`).toEqual([405, "HTTP_METHOD"])
    }
  })
})
