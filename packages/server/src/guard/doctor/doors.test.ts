import { once } from "node:events"
import { createServer as createPlain, type Server } from "node:http"
import { createServer as createTls } from "node:https"
import type { AddressInfo } from "node:net"
import { createServer as createSilent } from "node:net"
import type { Profile } from "@postern/client"
import { afterEach, expect, test } from "vitest"
import { createAuthority, issueCertificate } from "../pki/index.ts"
import { tryDoors } from "./doors.ts"

const now = new Date()
const trustDomain = "doors.test"
const authority = await createAuthority({ trustDomain, now })
const issue = (path: string, usage: "client" | "server" = "client") =>
  issueCertificate({ authority, id: `spiffe://${trustDomain}/${path}`, usage, now })
const [writer, reader, server] = [
  await issue("writer/w"),
  await issue("reader/r"),
  await issue("server", "server"),
]
const running: { close(): unknown }[] = []
afterEach(() => {
  for (const one of running.splice(0)) one.close()
})

async function listen(server_: Server | ReturnType<typeof createSilent>): Promise<string> {
  server_.listen(0, "127.0.0.1")
  await once(server_, "listening")
  running.push(server_)
  return `127.0.0.1:${(server_.address() as AddressInfo).port}`
}

function doorsAt(address: string, caKey = true) {
  const common = { server: `spiffe://${trustDomain}/server`, address, ca: authority.certificate }
  const log = { origin: "o", vkey: "o+00000000+AA==" }
  const profile = (role: "writer" | "reader", pair: typeof writer): Profile => {
    return { ...common, ...pair, log, role, id: `spiffe://${trustDomain}/${role}/x` }
  }
  return {
    writer: profile("writer", writer),
    reader: profile("reader", reader),
    authority: caKey ? authority : undefined,
    now,
  }
}

const resultsOf = async (address: string, caKey = true) =>
  new Map(
    (await tryDoors(doorsAt(address, caKey)))
      .filter(({ subject }) => subject.startsWith("write"))
      .map(({ id, result }) => [id, result]),
  )

test("a door that lets everybody in fails for each who got an answer", async () => {
  const answer = (_: unknown, response: { end(text: string): void }) => response.end("hello")
  const { certificate: cert, key } = server
  const options = { cert, key, requestCert: true, rejectUnauthorized: false }
  const open = createTls({ ...options, minVersion: "TLSv1.2" }, answer)
  const results = await resultsOf(await listen(open))
  expect(results.get("door.no-certificate")).toBe("fail")
  expect(results.get("door.foreign-ca")).toBe("fail")
  expect(results.get("door.expired")).toBe("fail")
  expect(results.get("door.wrong-role")).toBe("fail")
  expect(results.get("door.old-tls")).toBe("fail")
})

test("a door without TLS fails for whoever comes without", async () => {
  const open = createPlain((_, response) => response.end("hello"))
  const results = await resultsOf(await listen(open))
  expect(results.get("door.plaintext")).toBe("fail")
  expect(results.get("door.no-certificate")).toBe("ok")
})

test("a door that demands a certificate of its CA turns all but the known ones away", async () => {
  const { certificate: cert, key } = server
  const options = { cert, key, ca: authority.certificate, requestCert: true }
  const open = createTls({ ...options, minVersion: "TLSv1.3" }, (_, response) => response.end("x"))
  const results = await resultsOf(await listen(open))
  expect([...results].filter(([, result]) => result !== "ok")).toEqual([
    ["door.wrong-role", "fail"],
  ])
})

test("a door that cannot be reached, or judged, is unknown and never well", async () => {
  const gone = createPlain()
  const address = await listen(gone)
  gone.close()
  await once(gone, "close")
  expect(new Set((await resultsOf(address)).values())).toEqual(new Set(["unknown"]))
  const { certificate: cert, key } = server
  const there = createTls({ cert, key, ca: authority.certificate, requestCert: true })
  const results = await resultsOf(await listen(there), false)
  expect(results.get("door.expired")).toBe("unknown")
})

test("something that only listens is told apart from one that turns away", async () => {
  const silent = createSilent(() => undefined)
  const results = await resultsOf(await listen(silent))
  expect(results.get("door.plaintext")).toBe("warn")
}, 20_000)
