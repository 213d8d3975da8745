import { limits } from "@postern/log/base"
import { batchBytes } from "@postern/log/wire"
import { createEvents, type EventKind, eventKinds } from "./events.ts"
import type { PolicyName } from "./policies.ts"
import { type Protocol, protocols } from "./task.ts"

export const loads = ["full", "half", "tenth"] as const
export type Load = (typeof loads)[number]

/** One row of the table. */
export interface Cell {
  readonly protocol: Protocol
  readonly event: EventKind
  readonly connections: number
  readonly batch: number
  readonly load: Load
  /** What the port keeps of each event. */
  readonly policy: PolicyName
  /** Frames in flight per connection at full load. */
  readonly window: number
}

const connectionCounts = [1, 8, 64]
const batchSizes = [1, 10, 100, 1000]
const webhookBatch = 400
/** Records that an exporter of OpenTelemetry sends at once if nobody says otherwise. */
const exporterBatch = 512
const mainConnections = 8
const mainBatch = 100
/** At full load all connections together keep about so much in flight, each at least two frames. */
const inFlightBytes = 6 * 1024 * 1024
const windowMax = 1024
/** Loads below full are bounded by credit alone. */
export const openWindow = 4096

/** Every cell, full load before half and tenth of the same, which need its result. */
export function allCells(): Cell[] {
  const cells: Cell[] = []
  for (const event of eventKinds) {
    const one = { protocol: "postern/1", event, connections: 1, batch: 1 } as const
    cells.push({ ...one, load: "full", policy: "none", window: 1 })
  }
  for (const protocol of protocols) {
    for (const event of eventsOf(protocol)) {
      for (const connections of connectionCounts) {
        for (const batch of batchesOf(protocol, event)) {
          const isMain = connections === mainConnections && isMainBatch(batch)
          const window = windowOf(protocol, event, connections, batch)
          for (const load of isMain ? loads : (["full"] as const)) {
            cells.push({ protocol, event, connections, batch, load, policy: "none", window })
          }
          for (const policy of isMain ? policiesFor(protocol, event) : []) {
            cells.push({ protocol, event, connections, batch, load: "full", policy, window })
          }
        }
      }
    }
  }
  return cells
}

function eventsOf(protocol: Protocol): readonly EventKind[] {
  if (protocol === "kubernetes-webhook") return ["kubernetes"]
  return protocol === "otlp" ? ["app"] : eventKinds
}

/** One row of each kind: full load of the main cells, and one event in flight. */
export function isQuick(cell: Cell): boolean {
  const isMain = cell.connections === mainConnections && isMainBatch(cell.batch)
  return cell.load === "full" && (isMain || isSingle(cell))
}

export function isSingle(cell: Cell): boolean {
  return cell.window === 1 && cell.connections === 1 && cell.protocol === "postern/1"
}

/** Beside none. What `postern init` writes is what people have. */
function policiesFor(protocol: Protocol, event: EventKind): readonly PolicyName[] {
  if (protocol !== "postern/1" || event !== "app") return ["init"]
  return ["init", "fifty rules", "hmac and detectors"]
}

function isMainBatch(batch: number): boolean {
  return batch === mainBatch || batch === webhookBatch
}

function batchesOf(protocol: Protocol, event: EventKind): number[] {
  if (protocol === "kubernetes-webhook") return [webhookBatch]
  if (protocol === "otlp") return [mainBatch, exporterBatch]
  if (protocol === "http") return batchSizes
  return batchSizes.map((batch) => Math.min(batch, framedBatchMax(event)))
}

/** Events of this kind that fit into one frame, in hundreds. */
function framedBatchMax(event: EventKind): number {
  return Math.floor(limits.frameBytesMax / meanBytes(event) / 100 - 0.2) * 100
}

function windowOf(
  protocol: Protocol,
  event: EventKind,
  connections: number,
  batch: number,
): number {
  if (protocol !== "postern/1") return 1
  const frames = Math.floor(inFlightBytes / connections / (meanBytes(event) * batch))
  return Math.min(Math.max(frames, 2), windowMax)
}

const means = new Map<EventKind, number>()

function meanBytes(event: EventKind): number {
  const known = means.get(event)
  if (known !== undefined) return known
  const events = createEvents(event, 100, 1)
  const mean = batchBytes(events) / events.length
  means.set(event, mean)
  return mean
}

/**
 * Cells that a text like `postern/1,app,8,100` names: each part must be one of the cell's protocol, event, connections,
 * batch, load and policy, in this order; parts left out at the end stand for all, load for full, policy for none.
 */
export function matchesText(cell: Cell, text: string): boolean {
  const [protocol, event, connections, batch, load = "full", policy = "none"] = text.split(",")
  const wanted = [protocol, event, connections, batch, load, policy]
  const own = [cell.protocol, cell.event, cell.connections, cell.batch, cell.load, cell.policy]
  return own.every((value, i) => wanted[i] === undefined || wanted[i] === String(value))
}
