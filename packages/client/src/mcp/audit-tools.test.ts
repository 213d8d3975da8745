import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js"
import { Server } from "@modelcontextprotocol/sdk/server/index.js"
import { CallToolRequestSchema } from "@modelcontextprotocol/sdk/types.js"
import { isPosternError, PosternError } from "@postern/log/base"
import { expect, it, vi } from "vitest"
import { runInContext } from "../context/index.ts"
import { auditTools } from "./audit-tools.ts"
import { createClient, createServer, join } from "./mcp.test.support.ts"
import { Recorder } from "./recorder.test.support.ts"

const call = { name: "delete-invoice", arguments: { invoice: "4711", reason: "a secret" } }

it("writes who asked which agent for which tool, and how it ended", async () => {
  const recorder = new Recorder()
  const server = createServer()
  auditTools(server, recorder.audit)
  const client = createClient()
  await join(client, server)
  expect(await client.callTool(call)).toEqual({ content: [{ type: "text", text: "deleted 4711" }] })
  expect(recorder.story).toEqual([
    "tool.delete-invoice.call unknown attempt",
    "tool.delete-invoice.call success result",
  ])
  const [attempt, result] = recorder.events
  expect(attempt?.actor).toEqual({ type: "agent", id: "desk-agent", isClaimed: true })
  expect(attempt?.targets).toEqual([{ type: "tool", id: "delete-invoice" }])
  expect(attempt?.data.toolCall).toEqual({
    ...{ name: "delete-invoice", arguments: ["invoice", "reason"], argumentSizes: [6, 10] },
    argumentsBytes: 38,
  })
  expect(attempt?.data.mcp).toEqual({
    ...{ side: "server", requestId: "1", server: { name: "ledger", version: "2.1" } },
    client: { name: "desk-agent", version: "0.9" },
  })
  expect(result?.trace.pairId).toBe(attempt?.trace.pairId)
  expect(result?.data.toolCall).toMatchObject({ contentBlocks: 1, durationMs: expect.any(Number) })
  expect(JSON.stringify(recorder.events)).not.toContain("a secret")
})

it("tells failures, errors and what the server does not know apart", async () => {
  const recorder = new Recorder()
  const server = createServer()
  auditTools(server, recorder.audit)
  const client = createClient()
  await join(client, server)
  expect((await client.callTool({ name: "forbidden" })).isError).toBe(true)
  expect((await client.callTool({ name: "throwing" })).isError).toBe(true)
  await client.callTool({ name: "No such tool!" }).catch(() => undefined)
  expect(recorder.story.filter((line) => line.includes("result"))).toEqual([
    "tool.forbidden.call failure result TOOL_ERROR",
    "tool.throwing.call failure result TOOL_ERROR",
    expect.stringMatching(/^tool\.no-such-tool-\.call (failure|error) result/),
  ])
})

it("sees handlers of the plain Server, and errors that they throw", async () => {
  const recorder = new Recorder()
  const server = new Server({ name: "plain", version: "1" }, { capabilities: { tools: {} } })
  auditTools(server, recorder.audit)
  server.setRequestHandler(CallToolRequestSchema, () => {
    throw Object.assign(new Error("no"), { code: -32_001 })
  })
  const client = createClient()
  await join(client, server)
  await expect(client.callTool(call)).rejects.toThrow("no")
  expect(recorder.story.at(-1)).toBe("tool.delete-invoice.call error result JSONRPC_-32001")
})

it("names the client and the subject of a token, and whom the application knows", async () => {
  const recorder = new Recorder()
  const server = createServer()
  auditTools(server, recorder.audit, {
    details: ({ auth }) => ({ tenant: String(auth?.resource ?? "none") }),
  })
  const [near, far] = InMemoryTransport.createLinkedPair()
  await server.connect(far)
  near.onmessage = () => undefined
  const authInfo = {
    token: "very-secret",
    clientId: "copilot",
    scopes: ["tools"],
    extra: { sub: "alice" },
  }
  const message = { jsonrpc: "2.0" as const, id: 7, method: "tools/call", params: call }
  await near.send(message, { authInfo })
  await runInContext({ actor: "bob" }, () => near.send({ ...message, id: 8 }))
  await vi.waitFor(() => expect(recorder.events).toHaveLength(4), 10_000)
  const [first, second] = recorder.events
  expect(first?.actor).toEqual({ type: "agent", id: "copilot", scopes: ["tools"] })
  expect(first?.onBehalfOf).toEqual([{ type: "user", id: "alice" }])
  expect(first).toMatchObject({ tenant: "none" })
  expect(second?.onBehalfOf).toEqual([{ type: "user", id: "bob" }])
  expect(JSON.stringify(recorder.events)).not.toContain("very-secret")
})

it("does not run a tool before its attempt is durable, where that is asked for", async () => {
  const recorder = new Recorder()
  const server = createServer()
  const ran = vi.fn(async () => ({ content: [] }))
  server.registerTool("watched", {}, ran)
  auditTools(server, recorder.audit, { confirm: true })
  const client = createClient()
  await join(client, server)
  const kept = client.callTool({ name: "watched" })
  await vi.waitFor(() => expect(recorder.confirming).toHaveLength(1), 10_000)
  expect(ran).not.toHaveBeenCalled()
  recorder.confirming[0]?.resolve()
  await kept
  expect(ran).toHaveBeenCalledTimes(1)

  const refused = client.callTool({ name: "watched" })
  await vi.waitFor(() => expect(recorder.confirming).toHaveLength(2), 10_000)
  recorder.confirming[1]?.reject(new PosternError("EVENT_ACTION_NOT_GRANTED"))
  await expect(refused).rejects.toThrow("EVENT_ACTION_NOT_GRANTED")

  const stop = new AbortController()
  const cancelled = client.callTool({ name: "watched" }, undefined, { signal: stop.signal })
  await vi.waitFor(() => expect(recorder.confirming).toHaveLength(3), 10_000)
  stop.abort()
  await expect(cancelled).rejects.toThrow()
  await vi.waitFor(() => expect(recorder.story.at(-1)).toContain("CANCELLED"), 10_000)
  recorder.confirming[2]?.resolve()
  await client.ping()
  expect(ran).toHaveBeenCalledTimes(1)
  expect(recorder.story.filter((line) => line.includes("result"))).toEqual([
    "tool.watched.call success result",
    "tool.watched.call denied result EVENT_ACTION_NOT_GRANTED",
    "tool.watched.call unknown result CANCELLED",
  ])
})

it("refuses calls when the audit throws, and never withholds an answer for it", async () => {
  const recorder = new Recorder()
  const server = createServer()
  auditTools(server, recorder.audit)
  const client = createClient()
  await join(client, server)
  recorder.isFull = true
  await expect(client.callTool(call)).rejects.toThrow("SPOOL_FULL")
  recorder.isFull = false
  server.registerTool("filling", {}, async () => {
    recorder.isFull = true
    return { content: [] }
  })
  expect(await client.callTool({ name: "filling" })).toEqual({ content: [] })
})

it("ends what is open when it is cancelled or the connection goes", async () => {
  const recorder = new Recorder()
  const server = createServer()
  auditTools(server, recorder.audit)
  const client = createClient()
  await join(client, server)
  const stop = new AbortController()
  const cancelled = client.callTool({ name: "endless" }, undefined, { signal: stop.signal })
  stop.abort()
  await expect(cancelled).rejects.toThrow()
  const lost = client.callTool({ name: "endless" })
  await client.ping()
  await client.close()
  await expect(lost).rejects.toThrow()
  await vi.waitFor(() => expect(recorder.events).toHaveLength(4), 10_000)
  expect(recorder.story.filter((line) => line.includes("result"))).toEqual([
    "tool.endless.call unknown result CANCELLED",
    "tool.endless.call unknown result CONNECTION_CLOSED",
  ])
})

it("writes down every call, whatever a hostile client says", async () => {
  const recorder = new Recorder()
  const server = createServer()
  auditTools(server, recorder.audit, { arguments: "full" })
  const [near, far] = InMemoryTransport.createLinkedPair()
  await server.connect(far)
  const answered: unknown[] = []
  near.onmessage = (message) => answered.push(message)
  let deep: unknown = 1
  for (let i = 0; i < 60; i++) deep = [deep]
  const hostile: unknown[] = [
    undefined,
    {},
    { name: 5 },
    { name: "x".repeat(100_000) },
    { name: "a\u0000b\ud800", arguments: "text" },
    { name: "delete-invoice", arguments: { deep } },
    { name: "delete-invoice", arguments: JSON.parse('{"__proto__":{"a":1},"invoice":"\\ud800"}') },
    { name: "delete-invoice", arguments: { ["k".repeat(5_000)]: 1 } },
    { name: "delete-invoice", arguments: { invoice: "x".repeat(2_000_000) } },
    { name: "constructor" },
  ]
  for (const [id, params] of hostile.entries()) {
    await near.send({ jsonrpc: "2.0", id, method: "tools/call", params } as never)
  }
  // One id twice at once.
  for (let i = 0; i < 2; i++) {
    await near.send({ jsonrpc: "2.0", id: "same", method: "tools/call", params: call } as never)
  }
  const calls = hostile.length + 2
  await vi.waitFor(() => expect(answered).toHaveLength(calls), 10_000)
  const phases = recorder.events.map(({ trace }) => trace.phase)
  expect(phases.filter((phase) => phase === "attempt")).toHaveLength(calls)
  expect(phases.filter((phase) => phase === "result")).toHaveLength(calls)
  const pairs = new Set(recorder.events.map(({ trace }) => trace.pairId))
  expect(pairs.size).toBe(calls)
})

it("must be asked before connect()", async () => {
  const server = createServer()
  await join(createClient(), server)
  const late = (): void => auditTools(server, new Recorder().audit)
  expect(late).toThrow(
    expect.toSatisfy((error) => isPosternError(error) && error.code === "CONFIG_INVALID"),
  )
})

it("takes nothing that the protocol's own handler throws for a call that was not kept", async () => {
  const recorder = new Recorder()
  const server = createServer()
  auditTools(server, recorder.audit)
  const [transport, other] = InMemoryTransport.createLinkedPair()
  const answers: unknown[] = []
  other.onmessage = (message) => answers.push(message)
  const broken = (): never => {
    throw new Error("mine")
  }
  vi.spyOn(server.server as unknown as { _onrequest(): void }, "_onrequest").mockImplementation(
    broken,
  )
  await server.connect(transport)
  const message = { jsonrpc: "2.0", id: 1, method: "tools/call", params: call } as const
  expect(() => transport.onmessage?.(message)).toThrow("mine")
  expect(recorder.story).toEqual(["tool.delete-invoice.call unknown attempt"])
  expect(answers).toEqual([])
})
