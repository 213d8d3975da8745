import { once } from "node:events"
import { createServer as createHttpServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import { expect, it, vi } from "vitest"
import { auditClient } from "./audit-client.ts"
import { auditTools } from "./audit-tools.ts"
import { createClient, createServer } from "./mcp.test.support.ts"
import { Recorder } from "./recorder.test.support.ts"

/** A server for each request, as those without sessions are made, behind a check of tokens. */
async function listen(recorder: Recorder) {
  const http = createHttpServer((request, response) => {
    const answer = async (): Promise<void> => {
      const server = createServer()
      auditTools(server, recorder.audit)
      const transport = new StreamableHTTPServerTransport({})
      response.on("close", () => transport.close().catch(() => undefined))
      await server.connect(transport as never)
      const auth = { token: "t", clientId: "copilot", scopes: [], extra: { sub: "alice" } }
      await transport.handleRequest(Object.assign(request, { auth }) as IncomingMessage, response)
    }
    answer().catch((error) => response.destroy(error as Error))
  })
  http.listen(0, "127.0.0.1")
  await once(http, "listening")
  return http
}

it("sees both sides of calls over HTTP, where no server sees the beginning", async () => {
  const [near, far] = [new Recorder(), new Recorder()]
  const http = await listen(far)
  const client = createClient()
  auditClient(client, near.audit)
  const { port } = http.address() as AddressInfo
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/`)) as never,
  )
  const answer = await client.callTool({ name: "delete-invoice", arguments: { invoice: "4711" } })
  expect(answer.content).toEqual([{ type: "text", text: "deleted 4711" }])
  await client.close()
  await vi.waitFor(() => expect(far.events).toHaveLength(2), 10_000)
  const story = [
    "tool.delete-invoice.call unknown attempt",
    "tool.delete-invoice.call success result",
  ]
  expect(near.story).toEqual(story)
  expect(far.story).toEqual(story)
  expect(far.events[0]).toMatchObject({
    actor: { type: "agent", id: "copilot" },
    onBehalfOf: [{ type: "user", id: "alice" }],
  })
  http.closeAllConnections()
  http.close()
})
