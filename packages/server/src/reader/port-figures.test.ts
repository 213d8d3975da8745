import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, test } from "vitest"
import { openPortFigures } from "./port-figures.ts"

async function opsThatAnswers(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { ask: openPortFigures([{ host: "127.0.0.1", port }]), close }
}

const metrics = `# HELP postern_connections x
postern_connections 4
postern_ack_seconds{quantile="0.5"} 0.0015
postern_ack_seconds{quantile="0.99"} 0.02
`

test("says what the ops plane says", async () => {
  let asked = 0
  const { ask, close } = await opsThatAnswers((request, response) => {
    asked++
    if (request.url === "/metrics") response.end(metrics)
    else response.writeHead(503).end("not ready\n- draining\n")
  })
  expect(await ask()).toEqual({
    ready: { ok: false, lines: ["not ready", "- draining"] },
    sessions: 4,
    ackMs: { p50: 1.5, p99: 20 },
  })
  await Promise.all([ask(), ask()])
  expect(asked).toBe(2)
  close()
})

test("is null where nothing is measured yet, and nothing where nobody answers", async () => {
  const none = await opsThatAnswers((request, response) => {
    response.end(request.url === "/metrics" ? 'postern_ack_seconds{quantile="0.5"} Nan' : "ready\n")
  })
  expect(await none.ask()).toEqual({
    ...{ ready: { ok: true, lines: ["ready"] }, sessions: null, ackMs: null },
  })
  none.close()
  const silent = await opsThatAnswers(() => undefined)
  expect(await silent.ask()).toBeUndefined()
  silent.close()
  expect(await openPortFigures([])()).toBeUndefined()
  expect(await openPortFigures([{ host: "127.0.0.1", port: 0 }])()).toBeUndefined()
})
