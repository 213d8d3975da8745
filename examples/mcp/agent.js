import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { connect } from "@postern/client"
import { runAsAgent, runInContext } from "@postern/client/context"
import { auditClient } from "@postern/client/mcp"

const audit = await connect(process.env.POSTERN_PROFILE)
const client = new Client({ name: "desk-agent", version: "1.0.0" })
auditClient(client, audit, { tools: { "delete-invoice": "full" } })

const env = { ...process.env, POSTERN_PROFILE: process.env.LEDGER_PROFILE }
await client.connect(new StdioClientTransport({ command: "node", args: ["examples/mcp/server.js"], env }))
await runInContext({ actor: "alice" }, () =>
  runAsAgent("desk-agent", () => client.callTool({ name: "delete-invoice", arguments: { invoice: "4711" } })),
)
await client.close()
