import { PosternError } from "@postern/log/base"
import { afterEach, expect, test } from "vitest"
import { closeAll, lastJson, openHttpDoor, peer } from "./doors.test.support.ts"

afterEach(closeAll)

function post(body: string, headers: readonly string[], method = "POST"): string {
  const head = [`${method} /v1/certificate HTTP/1.1`, "host: port", ...headers]
  return `${head.join("\r\n")}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
const pkcs10 = "content-type: application/pkcs10"

test("a request is answered with what the renewal gives, and the connection goes on", async () => {
  const http = openHttpDoor()
  const { far, comes } = await http.enter()
  far.write(post("DER", [pkcs10]))
  const first = await comes(`${peer.id} 444552`)
  expect(first).toMatch(/^HTTP\/1.1 200 /)
  expect(first).toContain("content-type: application/pem-certificate-chain")
  far.write(post("again", [pkcs10]))
  await comes(`${peer.id} 616761696e`)
  expect(http.refused).toEqual([])
})

test("what the renewal refuses is a problem, and counted", async () => {
  const http = openHttpDoor()
  http.world.renewal = new PosternError("RENEWAL_EARLY", "later")
  const { far, comes } = await http.enter()
  far.write(post("DER", [pkcs10]))
  const text = await comes('"RENEWAL_EARLY"')
  expect(text).toMatch(/^HTTP\/1.1 409 /)
  expect(lastJson(text)).toMatchObject({ code: "RENEWAL_EARLY", detail: "later" })
  expect(http.refused).toEqual([{ code: "RENEWAL_EARLY", detail: "later" }])
})

const long = "x".repeat(4097)
test.each([
  ["HTTP_CONTENT_TYPE", post("DER", ["content-type: application/json"])],
  ["HTTP_CONTENT_TYPE", post("DER", [])],
  ["HTTP_ENCODING", post("DER", [pkcs10, "content-encoding: br"])],
  ["RENEWAL_REFUSED", post(long, [pkcs10])],
  ["RENEWAL_REFUSED", post(long, [pkcs10, "expect: 100-continue"]).slice(0, -long.length)],
  ["HTTP_METHOD", post("", [pkcs10], "GET")],
  ["HTTP_BODY_SYNTAX", post("DER", [pkcs10]).replace("host: port\r\n", "")],
])("%s for a request that may not be one", async (code, text) => {
  const http = openHttpDoor()
  const { far, comes } = await http.enter()
  far.write(text)
  expect(lastJson(await comes(`"${code}"`))).toMatchObject({ code })
  expect(http.refused.map((one) => one.code)).toEqual([code])
})

test("nobody without a grant is given one", async () => {
  const http = openHttpDoor()
  http.world.grant = undefined
  const { far, comes } = await http.enter()
  far.write(post("DER", [pkcs10]))
  await comes('"NOT_GRANTED"')
})
