/**
 * `postern agent`: beside a source that can show no client certificate, it takes what the source writes (files, standard input, sockets, HTTP and
 * Fluentd's forward protocol on this machine) and hands it to the port as a writer. Each source has a spool of the SDK and so a gapless stream
 * of its own. Never listens beyond this machine, never changes a record, never loses one without a loss in its place, and never keeps
 * a producer waiting for longer than a bound.
 *
 *     agent.ts ─▶ open-source.ts ─▶ file-source.ts (tailed-file, positions-file)  stream-source.ts (byte-stream)  datagram-source.ts
 *        │                          http-source.ts (http-body)  forward-source.ts
 *        │                              │ decoding.ts: records → events          inlet.ts: who waits when the spool is full
 *        ├─▶ read-settings.ts           │ (settings-process.ts: agent.yaml is read, and the process ends)
 *        └─▶ word.ts (status)           └─▶ outbound.ts ─▶ @postern/client: spool, stream, port
 *
 * What decides lies in rooms without I/O: settings, records, positions, tail, pressure.
 */
export { Agent } from "./agent.ts"
export { agentEnvironment, agentFlags, becomeAgent } from "./run-agent.ts"
export { formatAgentSchema, parseAgentSettings } from "./settings/index.ts"
export { type AgentWord, askWord } from "./word.ts"
