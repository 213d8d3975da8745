import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client"
import type { PolicyFigures, PortHealth } from "./ops-server.ts"

type Kind = "counter" | "gauge"
const metrics: readonly (readonly [string, Kind, string, (health: PortHealth) => number])[] = [
  [
    "postern_events_received_total",
    "counter",
    "Events received, refused ones included.",
    (h) => h.events,
  ],
  ["postern_bytes_received_total", "counter", "Bytes of events received.", (h) => h.bytes],
  ["postern_batches_received_total", "counter", "Batches received.", (h) => h.batches],
  ["postern_refused_total", "counter", "Events, frames and connections refused.", (h) => h.refused],
  [
    "postern_syslog_cut_total",
    "counter",
    "Syslog connections that were cut: losses of unknown size.",
    (h) => h.cut,
  ],
  [
    "postern_slots_durable_total",
    "counter",
    "Slots made durable, one fdatasync each.",
    (h) => h.slots,
  ],
  [
    "postern_commit_seconds_total",
    "counter",
    "Time from sealing a slot to its acks.",
    (h) => h.commitSeconds,
  ],
  ["postern_entries_durable", "gauge", "Entries on stable storage.", (h) => h.durableSize],
  [
    "postern_entries_published",
    "gauge",
    "Entries covered by the newest checkpoint.",
    (h) => h.publishedSize,
  ],
  ["postern_connections", "gauge", "Live connections on the write port.", (h) => h.connections],
  ["postern_streams_open", "gauge", "Open streams.", (h) => h.streams],
  [
    "postern_writers_silent",
    "gauge",
    "Writers that sent nothing for longer than their cadence.",
    (h) => h.silentWriters ?? 0,
  ],
  [
    "postern_access_refused",
    "gauge",
    "1 if the newest access list was not acceptable, so that the old one stays in force.",
    (h) => (h.accessProblem === undefined ? 0 : 1),
  ],
  [
    "postern_policy_refused",
    "gauge",
    "1 if the newest policy was not acceptable, so that the old one stays in force.",
    (h) => (h.policyProblem === undefined ? 0 : 1),
  ],
  [
    "postern_breakglass_open",
    "gauge",
    "Identities that may read by break-glass access now.",
    (h) => h.breakGlass.open.length,
  ],
  [
    "postern_breakglass_unreviewed",
    "gauge",
    "Openings of break-glass access that were not reviewed yet.",
    (h) => h.breakGlass.waiting.length,
  ],
  [
    "postern_credit_left_bytes",
    "gauge",
    "Credit that is not given to any connection.",
    (h) => h.creditLeft,
  ],
  [
    "postern_entries_witnessed",
    "gauge",
    "Entries under the newest checkpoint with the quorum; NaN without witnesses.",
    (h) => h.witnesses?.size ?? Number.NaN,
  ],
  [
    "postern_witnessed_age_seconds",
    "gauge",
    "Time since the quorum stood behind it; NaN if never.",
    (h) => h.witnesses?.ageSeconds ?? Number.NaN,
  ],
  [
    "postern_clock_synchronized",
    "gauge",
    "1 if the system says that its clock is; NaN if it says nothing.",
    (h) => (h.clock.synchronized === "yes" ? 1 : Number.NaN),
  ],
  [
    "postern_clock_offset_seconds",
    "gauge",
    "How far the clock is ahead of the witness's that is furthest away, at least; NaN if unknown.",
    (h) => (h.clock.offsetMs ?? Number.NaN) / 1000,
  ],
  [
    "postern_certificate_seconds_left",
    "gauge",
    "Until the certificate of the port expires.",
    (h) => h.tls.secondsLeft,
  ],
  [
    "postern_certificate_life_used_ratio",
    "gauge",
    "Share of its life that is over; it is renewed at 0.5.",
    (h) => h.tls.lifeUsed,
  ],
  [
    "postern_certificate_files_refused",
    "gauge",
    "1 if what is in the certificate files is not in force.",
    (h) => (h.tls.problem === undefined ? 0 : 1),
  ],
  [
    "postern_doctor_ok",
    "gauge",
    "1 if postern doctor found nothing failing or unknown; NaN if it was not heard since the start.",
    ({ doctor }) =>
      doctor === undefined ? Number.NaN : /^(?:ok|warn)$/.test(doctor.result) ? 1 : 0,
  ],
  [
    "postern_doctor_seconds",
    "gauge",
    "When it was heard, in Unix time; NaN if not since the start.",
    (h) => (h.doctor?.atMs ?? Number.NaN) / 1000,
  ],
  [
    "postern_ready",
    "gauge",
    "1 if the port takes events.",
    (h) => (h.notReady.length === 0 ? 1 : 0),
  ],
]

/** Everything that /metrics gives. */
export function createRegistry(health: () => PortHealth): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: "postern_" })
  new Gauge({
    name: "postern_ack_seconds",
    help: "Time from sealing a slot to its acks, of the last 1,024 slots.",
    labelNames: ["quantile"],
    registers: [registry],
    collect() {
      const { p50 = Number.NaN, p99 = Number.NaN } = health().ackSeconds ?? {}
      this.set({ quantile: "0.5" }, p50)
      this.set({ quantile: "0.99" }, p99)
    },
  })
  addLabelled(registry, health)
  for (const [name, kind, help, read] of metrics) {
    const registers = [registry]
    if (kind === "gauge") {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read(health()))
        },
      })
    } else {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(read(health()))
        },
      })
    }
  }
  return registry
}

interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Figures of which there are several, told apart by labels. What can fall is a gauge. */
const labelled: readonly (readonly [
  name: string,
  kind: "counter" | "gauge",
  labels: readonly string[],
  help: string,
  read: (policy: PolicyFigures) => readonly Series[],
])[] = [
  [
    "postern_policy_decided_total",
    "counter",
    ["rule"],
    "Events that a rule of the policy decided about.",
    ({ rules }) => rules.map(({ rule, events }) => ({ labels: { rule }, value: events })),
  ],
  [
    "postern_policy_events_total",
    "counter",
    ["rule", "did"],
    "Events of which a rule kept less, by what was done.",
    ({ rules }) =>
      rules.flatMap(({ rule, did }) =>
        Object.entries(did).map(([what, value]) => ({ labels: { rule, did: what }, value })),
      ),
  ],
  [
    "postern_policy_saved_bytes",
    "gauge",
    ["rule"],
    "Bytes that a rule of the policy kept out of the log since the start.",
    ({ rules }) => rules.map(({ rule, bytesSaved }) => ({ labels: { rule }, value: bytesSaved })),
  ],
  [
    "postern_policy_detected_total",
    "counter",
    ["writer", "detector"],
    "Events of a writer in which a detector found something.",
    ({ detected }) =>
      detected.map(({ writer, detector, events }) => {
        return { labels: { writer, detector }, value: events }
      }),
  ],
]

function addLabelled(registry: Registry, health: () => PortHealth): void {
  for (const [name, kind, labelNames, help, read] of labelled) {
    const about = { name, help, labelNames: [...labelNames], registers: [registry] }
    if (kind === "gauge") {
      new Gauge({
        ...about,
        collect() {
          this.reset()
          for (const { labels, value } of read(health().policyFigures)) this.set(labels, value)
        },
      })
    } else {
      new Counter({
        ...about,
        collect() {
          this.reset()
          for (const { labels, value } of read(health().policyFigures)) this.inc(labels, value)
        },
      })
    }
  }
}
