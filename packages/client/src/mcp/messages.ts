/** JSON-RPC 2.0 as MCP uses it, read from values that a peer chose. */

export type RequestId = string | number

/** A request to run a tool. */
export interface CallMessage {
  readonly id: RequestId
  /** As it came; "unknown" if it is no text. */
  readonly tool: string
  readonly arguments: unknown
}

/** How a call was answered. */
export interface ReplyMessage {
  readonly id: RequestId
  /** Undefined for an answer with an error. */
  readonly result: Fields | undefined
  readonly error: Fields | undefined
}

/** `clientInfo` or `serverInfo`: what a side says of itself. */
export interface PeerInfo {
  readonly name: string
  readonly version?: string
}

export type Fields = Readonly<Record<string, unknown>>

const lettersMax = 256

export function fieldsOf(value: unknown): Fields | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
  return isObject ? (value as Fields) : undefined
}

/** A text of bounded length; undefined for what is none, and for the empty one. */
export function clippedText(value: unknown, max = lettersMax): string | undefined {
  if (typeof value !== "string" || value === "") return undefined
  return value.length <= max ? value : `${value.slice(0, max - 1)}…`
}

export function callIn(message: unknown): CallMessage | undefined {
  const { method, id, params } = fieldsOf(message) ?? {}
  if (method !== "tools/call" || !isRequestId(id)) return undefined
  const { name, arguments: given } = fieldsOf(params) ?? {}
  return { id, tool: typeof name === "string" && name !== "" ? name : "unknown", arguments: given }
}

export function replyIn(message: unknown): ReplyMessage | undefined {
  const { method, id, result, error } = fieldsOf(message) ?? {}
  if (method !== undefined || !isRequestId(id)) return undefined
  if (result === undefined && error === undefined) return undefined
  const failed = error === undefined ? undefined : (fieldsOf(error) ?? {})
  return { id, result: failed === undefined ? (fieldsOf(result) ?? {}) : undefined, error: failed }
}

/** The request that somebody does not wait for any more. */
export function cancelledIn(message: unknown): RequestId | undefined {
  const { method, params } = fieldsOf(message) ?? {}
  const { requestId } = fieldsOf(params) ?? {}
  return method === "notifications/cancelled" && isRequestId(requestId) ? requestId : undefined
}

/** What a client says of itself when it begins. */
export function clientInfoIn(message: unknown): PeerInfo | undefined {
  const { method, params } = fieldsOf(message) ?? {}
  return method === "initialize" ? peerOf(fieldsOf(params)?.clientInfo) : undefined
}

/** What a server says of itself in its answer. */
export function serverInfoIn(message: unknown): PeerInfo | undefined {
  return peerOf(replyIn(message)?.result?.serverInfo)
}

function peerOf(value: unknown): PeerInfo | undefined {
  const { name, version } = fieldsOf(value) ?? {}
  const known = clippedText(name)
  const said = clippedText(version)
  if (known === undefined) return undefined
  return said === undefined ? { name: known } : { name: known, version: said }
}

function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string" || typeof value === "number"
}
