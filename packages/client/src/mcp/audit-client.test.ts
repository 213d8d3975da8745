import { createHash } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { expect, it, vi } from "vitest"
import { runAsAgent, runInContext } from "../context/index.ts"
import { auditClient } from "./audit-client.ts"
import { createClient, createServer, join } from "./mcp.test.support.ts"
import { Recorder } from "./recorder.test.support.ts"

const given = { invoice: "4711" }
const call = { name: "delete-invoice", arguments: given }

it("writes for whom the agent calls, in which run, and changes nothing of the answer", async () => {
  const recorder = new Recorder()
  const client = createClient()
  auditClient(client, recorder.audit)
  await join(client, createServer())
  const answer = await runInContext({ actor: "alice" }, () => {
    return runAsAgent("desk", () => client.callTool(call), { runId: "run-1" })
  })
  expect(answer).toEqual({ content: [{ type: "text", text: "deleted 4711" }] })
  expect(recorder.story).toEqual([
    "tool.delete-invoice.call unknown attempt",
    "tool.delete-invoice.call success result",
  ])
  for (const { actor, onBehalfOf, trace, data } of recorder.events) {
    expect(actor).toEqual({ type: "agent", id: "desk" })
    expect(onBehalfOf).toEqual([{ type: "user", id: "alice" }])
    expect(trace.runId).toBe("run-1")
    expect(data.mcp.server).toEqual({ name: "ledger", version: "2.1" })
  }
})

it("keeps of arguments what it was told to, tool by tool", async () => {
  const recorder = new Recorder()
  const client = createClient()
  auditClient(client, recorder.audit, { arguments: "digest", tools: { forbidden: "full" } })
  await join(client, createServer())
  await client.callTool(call)
  await client.callTool({ name: "forbidden", arguments: given })
  const [first, , third] = recorder.events
  const digest = createHash("sha256").update(JSON.stringify(given)).digest("hex")
  expect(first?.data.toolCall).toMatchObject({ argumentsSha256: digest, argumentSizes: [6] })
  expect(JSON.stringify(first)).not.toContain("4711")
  expect(third?.data.toolCall.values).toEqual(given)
  expect(first?.actor).toEqual({ type: "agent", id: "desk-agent" })
})

it("rejects a call that could not be written down, and sends nothing", async () => {
  const recorder = new Recorder()
  const client = createClient()
  auditClient(client, recorder.audit, { confirm: true })
  const server = createServer()
  const ran = vi.fn(async () => ({ content: [] }))
  server.registerTool("watched", {}, ran)
  await join(client, server)
  const refused = client.callTool({ name: "watched" })
  await vi.waitFor(() => expect(recorder.confirming).toHaveLength(1), 10_000)
  recorder.confirming[0]?.reject(new PosternError("UNREACHABLE"))
  await expect(refused).rejects.toMatchObject({ code: "UNREACHABLE" })
  const kept = client.callTool({ name: "watched" })
  await vi.waitFor(() => expect(recorder.confirming).toHaveLength(2), 10_000)
  expect(ran).not.toHaveBeenCalled()
  recorder.confirming[1]?.resolve()
  await kept
  expect(ran).toHaveBeenCalledTimes(1)
  expect(recorder.story.filter((line) => line.includes("result"))).toEqual([
    "tool.watched.call denied result UNREACHABLE",
    "tool.watched.call success result",
  ])
})

it("goes on when the application's own function throws, and says so", async () => {
  const recorder = new Recorder()
  const client = createClient()
  auditClient(client, recorder.audit, {
    details: () => {
      throw new Error("a fault")
    },
  })
  await join(client, createServer())
  await client.callTool(call)
  expect(recorder.events.map(({ data }) => data.mcp.detailsFailed)).toEqual([true, true])
})

it("tells timeouts and a server that goes away", async () => {
  const recorder = new Recorder()
  const client = createClient()
  auditClient(client, recorder.audit)
  await join(client, createServer())
  await expect(client.callTool({ name: "endless" }, undefined, { timeout: 5 })).rejects.toThrow()
  const lost = client.callTool({ name: "endless" })
  await client.close()
  await expect(lost).rejects.toThrow()
  await expect(client.callTool(call)).rejects.toThrow()
  expect(recorder.story.filter((line) => line.includes("result"))).toEqual([
    "tool.endless.call unknown result CANCELLED",
    "tool.endless.call unknown result CONNECTION_CLOSED",
  ])
})
