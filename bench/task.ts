import type { EventKind } from "./events.ts"

export const protocols = ["postern/1", "http", "kubernetes-webhook", "otlp"] as const
export type Protocol = (typeof protocols)[number]

/** One run, as the generator is told it. */
export interface Task {
  /** The server's port on 127.0.0.1. */
  readonly port: number
  /** Path of the writer's connection profile. */
  readonly profile: string
  /** Process id of the server, whose CPU and memory are read at both ends of the window. */
  readonly pid: number
  readonly protocol: Protocol
  readonly event: EventKind
  readonly connections: number
  /** Events a frame or body. */
  readonly batch: number
  /** Frames in flight per connection (HTTP: always one request). */
  readonly window: number
  /** Events per second over all connections, sent when they are due whatever comes back; undefined: as much as is taken. */
  readonly eventsPerSecond?: number
  readonly warmMs: number
  readonly measureMs: number
  /** Sends this many events, waits for their acknowledgements and ends; times are not looked at then. */
  readonly events?: number
}

/** What one run came to. */
export interface Figures {
  readonly eventsPerSecond: number
  readonly mbPerSecond: number
  /** CPU of the server, all its threads, for a million events. */
  readonly cpuSecondsPerMillion: number
  /** The most that the server has had, MiB. */
  readonly rssMb: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
  readonly ackP999Ms: number
  /** Cores that were used over the window. */
  readonly serverCores: number
  readonly generatorCores: number
}
