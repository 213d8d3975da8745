import { once } from "node:events"
import { createServer, type RequestListener, type Server } from "node:http"
import { type AddressInfo, createServer as createSilent } from "node:net"
import { networkInterfaces } from "node:os"
import { afterEach, expect, test } from "vitest"
import { tryOpsDoors } from "./ops-door.ts"

const running: Server[] = []
afterEach(() => {
  for (const one of running.splice(0)) one.close()
})

/** As the ops plane answers, unless told otherwise. */
const proper: RequestListener = ({ method, url }, response) => {
  const isKnown = url === "/metrics" || url === "/livez"
  response.writeHead(method !== "GET" ? 405 : isKnown ? 200 : 404)
  response.end("postern_ready 1\n")
}

async function results(answer: RequestListener, host = "127.0.0.1") {
  const server = createServer(answer).listen(0, host)
  running.push(server)
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const findings = await tryOpsDoors([{ host: "127.0.0.1", port }])
  return new Map(findings.map(({ id, result, evidence }) => [id, `${result}: ${evidence}`]))
}

test("an ops plane on loopback that tells numbers only is well", async () => {
  const found = await results(proper)
  expect(found.get("door.ops-outside")).toMatch(/^ok/)
  expect(found.get("door.ops-words")).toMatch(/^ok/)
})

const hasOthers = Object.values(networkInterfaces()).some((all) =>
  all?.some((one) => !one.internal),
)

test.runIf(hasOthers)("one that is open to other addresses fails", async () => {
  expect((await results(proper, "0.0.0.0")).get("door.ops-outside")).toMatch(/^fail: it answers on/)
})

test.each<[string, RequestListener, RegExp]>([
  ["answers everything", (_, response) => void response.end("x"), /POST \/metrics: 200/],
  [
    "tells of events",
    (request, response) => {
      if (request.url === "/metrics" && request.method === "GET") response.end('{"actor":{}}')
      else proper(request, response)
    },
    /GET \/metrics: tells of events/,
  ],
  ["says nothing", (request) => void request.socket.destroy(), /GET \/livez: closed/],
])("one that %s fails", async (_name, answer, evidence) => {
  const found = (await results(answer)).get("door.ops-words")
  expect(found).toMatch(/^fail/)
  expect(found).toMatch(evidence)
})

test("one that cannot be reached is unknown", async () => {
  const server = createSilent().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  const findings = await tryOpsDoors([{ host: "127.0.0.1", port }])
  expect(findings.find(({ id }) => id === "door.ops-words")?.result).toBe("unknown")
})
