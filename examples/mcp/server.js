import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js"
import { connect } from "@postern/client"
import { auditTools } from "@postern/client/mcp"
import { z } from "zod"

const audit = await connect(process.env.POSTERN_PROFILE)
const server = new McpServer({ name: "ledger", version: "1.0.0" })
auditTools(server, audit)

server.registerTool("delete-invoice", { inputSchema: { invoice: z.string() } }, async ({ invoice }) => ({
  content: [{ type: "text", text: `deleted ${invoice}` }],
}))
await server.connect(new StdioServerTransport())
