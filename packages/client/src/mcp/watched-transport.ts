import { PosternError } from "@postern/log/base"

type Receive = (message: unknown, extra?: unknown) => void
type Send = (message: unknown, ...rest: unknown[]) => Promise<void>

/** A transport of the MCP SDK, as far as it is needed here. */
export interface McpTransport {
  start(): Promise<void>
  /** Messages are of whatever type the application's SDK has for them. */
  send(message: never, ...rest: never[]): Promise<void>
  close(): Promise<void>
}

/** A `Server` or `Client` of the MCP SDK. */
export interface McpParty {
  /** What is handed in is handed on. */
  connect(transport: never, ...rest: never[]): Promise<void>
}

/** An `McpServer` of the MCP SDK, which has a `Server` inside. */
export interface McpServer {
  readonly server: McpParty
}

export interface TransportWatch {
  /** A message has come; `pass` hands it to the protocol. */
  incoming(message: unknown, extra: unknown, pass: () => void): void
  /** A message is to go out; `send` sends it. */
  outgoing(message: unknown, send: () => Promise<void>): Promise<void>
  closed(): void
}

/** Messages to the peer without the protocol. */
export type Answer = (message: unknown) => Promise<void>

/**
 * From the next connect() on, everything between this party and its transport is shown to a watch of its own.
 * @throws PosternError CONFIG_INVALID if it is connected already
 */
export function watchConnections(
  party: McpParty,
  createWatch: (answer: Answer) => TransportWatch,
): void {
  if ("transport" in party && party.transport !== undefined) {
    throw new PosternError("CONFIG_INVALID", "it is connected already: audit it before connect()")
  }
  const connect = party.connect.bind(party)
  party.connect = (transport: McpTransport, ...rest) => {
    const watch = createWatch((message) => transport.send(message as never))
    return connect(watched(transport, watch) as never, ...rest)
  }
}

/** The transport itself in all but what passes through it; the protocol's handlers are set on it, wrapped. */
function watched(transport: McpTransport, watch: TransportWatch): McpTransport {
  const send: Send = (message, ...rest) => {
    return watch.outgoing(message, () => transport.send(message as never, ...(rest as never[])))
  }
  return new Proxy(transport, {
    get(target, key) {
      if (key === "send") return send
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === "function" && !isHandler(key) ? value.bind(target) : value
    },
    set(target, key, value) {
      return Reflect.set(target, key, wrapped(key, value, watch), target)
    },
  })
}

function isHandler(key: string | symbol): boolean {
  return key === "onmessage" || key === "onclose" || key === "onerror"
}

function wrapped(key: string | symbol, value: unknown, watch: TransportWatch): unknown {
  if (typeof value !== "function") return value
  if (key === "onmessage") {
    const receive: Receive = (message, extra) => {
      watch.incoming(message, extra, () => value(message, extra))
    }
    return receive
  }
  if (key !== "onclose") return value
  return (...args: unknown[]) => {
    watch.closed()
    return value(...args)
  }
}
