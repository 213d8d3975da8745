import { type AuditContext, currentContext, type Details, fillIn } from "../context/index.ts"
import { type ArgumentsKept, describeArguments } from "./arguments.ts"
import {
  type CallMessage,
  clippedText,
  type Fields,
  fieldsOf,
  type PeerInfo,
  type ReplyMessage,
} from "./messages.ts"

/** A call as it is seen before it runs, for `details`. */
export interface SeenCall {
  readonly tool: string
  readonly arguments: unknown
  /** What the client and the server say of themselves. */
  readonly client: PeerInfo | undefined
  readonly server: PeerInfo | undefined
  /** `authInfo` of the transport, where it checked a token: its subject and client are known, the rest are claims. */
  readonly auth: Fields | undefined
}

export interface ToolAuditOptions {
  /** Default `sizes`. */
  readonly arguments?: ArgumentsKept
  /** The same for single tools, by name. */
  readonly tools?: Readonly<Record<string, ArgumentsKept>>
  /**
   * A tool is called only when the port has its attempt on stable storage; where that fails the call is refused. Default false: nothing waits.
   */
  readonly confirm?: boolean
  /** What else is known of a call: `actor`, `onBehalfOf`, `trace` with a `runId`, `tenant` … Counts more than what is found out here. */
  readonly details?: (call: SeenCall) => Partial<Details>
}

export type Side = "server" | "client"

/** One call, as both of its entries tell of it. */
export interface CallEvent {
  readonly action: string
  readonly details: Details
}

const unknownActor = { type: "system", id: "unknown" }
const plainLettersMax = 100

/** All that is known when a tool is asked for. Never throws. */
export function describeCall(
  side: Side,
  { tool, arguments: given, id }: CallMessage,
  seen: SeenCall,
  options: ToolAuditOptions,
): CallEvent {
  const name = clippedText(tool) ?? "unknown"
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-")
    .slice(0, plainLettersMax)
  const { arguments: kept = "sizes", tools = {} } = options
  const level = Object.hasOwn(tools, tool) ? (tools[tool] ?? kept) : kept
  const { server, client } = seen
  const more = askedFor(seen, options)
  const context = contextOfNow()
  const around = side === "server" ? callersOf(seen, context) : agentOf(seen, context)
  const own: Details = {
    ...{ category: "access", op: "execute", target: { type: "tool", id: name } },
    ...more.details,
    data: {
      ...more.details.data,
      toolCall: { name, ...describeArguments(given, level) },
      mcp: { side, requestId: clippedText(String(id)), server, client, ...more.failed },
    },
  }
  const details = fillIn(own, around)
  return {
    action: `tool.${plain}.call`,
    details: { ...details, actor: details.actor ?? unknownActor },
  }
}

function askedFor(
  seen: SeenCall,
  { details }: ToolAuditOptions,
): { readonly details: Partial<Details>; readonly failed?: Fields } {
  try {
    return { details: details?.(seen) ?? {} }
  } catch {
    return { details: {}, failed: { detailsFailed: true } } // The application's fault must cost neither the call nor its entry.
  }
}

function contextOfNow(): AuditContext {
  try {
    return currentContext() ?? {}
  } catch {
    return {} // As above; who acts is then unknown.
  }
}

/** On the server the client is the agent; it acts for whom the token names, else for whom the application knows to have asked. */
function callersOf({ auth, client }: SeenCall, context: AuditContext): AuditContext {
  const { clientId, extra, scopes } = auth ?? {}
  const { sub } = fieldsOf(extra) ?? {}
  const subject = clippedText(sub)
  const known = clippedText(clientId)
  const id = known ?? client?.name
  const { actor: asking, onBehalfOf = [] } = context
  const chain = asking === undefined ? onBehalfOf : [asking, ...onBehalfOf]
  const users = subject === undefined ? chain : [{ type: "user", id: subject }]
  const granted = Array.isArray(scopes)
    ? scopes.slice(0, 64).map((scope) => clippedText(scope))
    : []
  const agent = {
    ...{ type: "agent", id: id ?? "unknown" },
    // Nobody but itself says that it is this one.
    ...(known === undefined && { isClaimed: true }),
    ...(granted.length > 0 && { scopes: granted }),
  }
  const isNobody = id === undefined && users.length === 0
  return { ...context, actor: isNobody ? unknownActor : agent, onBehalfOf: users }
}

/** On the client it is the agent who writes: as whom the application runs it, else as what the client says of itself. */
function agentOf({ client }: SeenCall, context: AuditContext): AuditContext {
  if (context.actor !== undefined || client === undefined) return context
  return { ...context, actor: { type: "agent", id: client.name } }
}

/** How a call ended, for its second entry. */
export function describeEnd(
  reply: ReplyMessage,
): Pick<Details, "outcome" | "reason"> & { told: Fields } {
  const { result, error } = reply
  if (error !== undefined) {
    const { code } = error
    const reason = { code: typeof code === "number" ? `JSONRPC_${code}` : "JSONRPC_ERROR" }
    return { outcome: "error", reason, told: {} }
  }
  const { isError, content, task } = result ?? {}
  const blocks = Array.isArray(content) ? { contentBlocks: content.length } : {}
  if (isError === true) return { outcome: "failure", reason: { code: "TOOL_ERROR" }, told: blocks }
  // What was begun only, as a task, has not succeeded yet.
  const id = clippedText(fieldsOf(task)?.taskId)
  if (task !== undefined)
    return { outcome: "unknown", reason: { code: "TASK_BEGUN" }, told: { taskId: id } }
  return { outcome: "success", reason: undefined, told: blocks }
}
