/**
 * `@postern/client/mcp`: tool calls of the Model Context Protocol as audit events, one when a tool is asked for and one when it has
 * answered: who, through which agent, which tool, how it ended. On the server (`auditTools`) and on the client (`auditClient`).
 *
 *     audit-tools.ts, audit-client.ts ─▶ watched-transport.ts ─▶ messages.ts (reads JSON-RPC)
 *                    └─▶ tool-calls.ts (which calls are open) ─▶ call-event.ts ─▶ arguments.ts
 *
 * It stands between protocol and transport, so it sees every call, however the tool was registered, and changes no message. Nothing that
 * a peer sends can keep its call from being written down: names are clipped, values that are too large or too deep become digests.
 */
export type { ArgumentsKept } from "./arguments.ts"
export { auditClient } from "./audit-client.ts"
export { auditTools } from "./audit-tools.ts"
export type { SeenCall, ToolAuditOptions } from "./call-event.ts"
export type { McpParty, McpServer, McpTransport } from "./watched-transport.ts"
