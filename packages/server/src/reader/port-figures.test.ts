import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, expect, test, vi } from "vitest"
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

afterEach(() => vi.restoreAllMocks())

/** Whoever does answer may take as long as a busy machine takes. */
function withoutDeadline() {
  return vi.spyOn(AbortSignal, "timeout").mockReturnValue(new AbortController().signal)
}

const metrics = `# HELP postern_connections x
postern_connections 4
postern_ack_seconds{quantile="0.5"} 0.0015
postern_ack_seconds{quantile="0.99"} 0.02
postern_policy_decided_total{rule="a"} 7
postern_policy_decided_total{rule="(none)"} 0
postern_policy_decided_total{rule="broken} 1
postern_policy_decided_total{rule=broken} 1
postern_policy_decided_total{rule="nan"} Nan
postern_policy_events_total{rule="a",did="cut"} 2
postern_policy_events_total{rule="a",did="x,}y\\"\\\\"} 1
postern_policy_events_total{rule="gone",did="cut"} 2
postern_policy_saved_bytes{rule="a"} -3
postern_policy_detected_total{writer="spiffe://a/w",detector="jwt"} 5
`

test("says what the ops plane says", async () => {
  withoutDeadline()
  let asked = 0
  const { ask, close } = await opsThatAnswers((request, response) => {
    asked++
    if (request.url === "/metrics") response.end(metrics)
    else response.writeHead(503).end("not ready\n- draining\n")
  })
  expect(await ask()).toEqual({
    ready: { ok: false, lines: ["not ready", "- draining"] },
    sessions: 4,
    policy: {
      rules: [
        { rule: "a", events: 7, did: { cut: 2, 'x,}y"\\': 1 }, bytesSaved: -3 },
        { rule: "(none)", events: 0, did: {}, bytesSaved: 0 },
      ],
      detected: [{ writer: "spiffe://a/w", detector: "jwt", events: 5 }],
    },
    ackMs: { p50: 1.5, p99: 20 },
  })
  await Promise.all([ask(), ask()])
  expect(asked).toBe(2)
  close()
})

test("is null where nothing is measured yet, and nothing where nobody answers", async () => {
  const deadline = withoutDeadline()
  const none = await opsThatAnswers((request, response) => {
    response.end(request.url === "/metrics" ? 'postern_ack_seconds{quantile="0.5"} Nan' : "ready\n")
  })
  expect(await none.ask()).toEqual({
    ...{ ready: { ok: true, lines: ["ready"] }, sessions: null, ackMs: null },
    policy: { rules: [], detected: [] },
  })
  none.close()
  deadline.mockRestore()
  const silent = await opsThatAnswers(() => undefined)
  expect(await silent.ask()).toBeUndefined()
  silent.close()
  expect(await openPortFigures([])()).toBeUndefined()
  expect(await openPortFigures([{ host: "127.0.0.1", port: 0 }])()).toBeUndefined()
})
