import { Agent, type AgentOptions } from "node:https"
import type { PosternError } from "@postern/log/base"

/** How the read port is reached under a reader's profile, as it stands now. */
export interface UpstreamRoute {
  readonly host: string
  readonly port: number
  readonly tls: AgentOptions
}

export interface Upstream {
  /** Asked before each question. The same object as long as nothing has changed; another one is used from then on. */
  route(): UpstreamRoute
  /** What a failed connection means to a person. */
  explain(cause: unknown): PosternError
}

/** Connections to the read port that are kept between questions, one set for each route. */
export interface Connections {
  current(): { readonly agent: Agent; readonly host: string; readonly port: number }
  /** Drops those that are idle: the other end may have closed them while we did not look. */
  dropIdle(): void
  close(): void
}

const connectionsMax = 64

export function openConnections(upstream: Upstream): Connections {
  const agents = new Set<Agent>()
  let last: { readonly route: UpstreamRoute; readonly agent: Agent } | undefined

  function current() {
    const route = upstream.route()
    if (last?.route !== route) {
      if (last !== undefined) retire(last.agent)
      last = { route, agent: openAgent(route) }
      agents.add(last.agent)
    }
    const { host, port } = route
    return { agent: last.agent, host, port }
  }

  /** What is under way ends under the old certificate; nothing new begins under it. */
  function retire(agent: Agent): void {
    agent.maxFreeSockets = 0
    destroyIdle(agent)
    for (const old of agents) if (isEmpty(old)) agents.delete(old)
  }

  return {
    current,
    dropIdle: () => {
      if (last !== undefined) destroyIdle(last.agent)
    },
    close: () => {
      for (const agent of agents) agent.destroy()
    },
  }
}

function openAgent({ tls }: UpstreamRoute): Agent {
  return new Agent({
    ...tls,
    keepAlive: true,
    maxSockets: connectionsMax,
    // A session that is taken up again would skip the question who the server is.
    maxCachedSessions: 0,
  })
}

function destroyIdle(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}

function isEmpty(agent: Agent): boolean {
  return Object.keys(agent.sockets).length === 0 && Object.keys(agent.requests).length === 0
}
