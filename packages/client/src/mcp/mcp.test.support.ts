import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { z } from "zod"

/** A server with a tool for each way in which a call can end. */
export function createServer(): McpServer {
  const server = new McpServer({ name: "ledger", version: "2.1" })
  const inputSchema = { invoice: z.string(), reason: z.string().optional() }
  server.registerTool("delete-invoice", { inputSchema }, async ({ invoice }) => {
    return { content: [{ type: "text", text: `deleted ${invoice}` }] }
  })
  server.registerTool("forbidden", {}, async () => {
    return { isError: true, content: [{ type: "text", text: "you may not" }] }
  })
  server.registerTool("throwing", {}, async () => {
    throw new Error("the database is gone")
  })
  server.registerTool("endless", {}, (extra) => {
    return new Promise((resolve) =>
      extra.signal.addEventListener("abort", () => resolve({ content: [] })),
    )
  })
  return server
}

export function createClient(): Client {
  return new Client({ name: "desk-agent", version: "0.9" })
}

/** Connects them, in this process. */
export async function join(
  client: Client,
  server: { connect(transport: InMemoryTransport): Promise<void> },
) {
  const [near, far] = InMemoryTransport.createLinkedPair()
  await server.connect(far)
  await client.connect(near)
  return { near, far }
}
