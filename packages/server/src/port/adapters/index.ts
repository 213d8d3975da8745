/**
 * Foreign bodies made into framed events (docs/spec/event.md, docs/spec/sources.md, docs/spec/wire.md, BATCH): plain JSON over
 * HTTP, the audit webhook of a Kubernetes API server, OTLP, CloudEvents, what log shippers and Teleport send. Never changes a byte of
 * what the sender wrote, never decides whether an event is acceptable: what an adapter cannot make sense of goes on as an
 * event that says so, or in a form that the core's scanner refuses by itself. A further adapter is a file here and a line below.
 */
export type {
  Adapter,
  AdapterBody,
  AdapterRegion,
  AdapterRun,
  Answers,
} from "./api.ts"
export { regionBytesMin } from "./api.ts"

import type { Adapter } from "./api.ts"
import { cloudeventsAdapter } from "./cloudevents.ts"
import { httpAdapter } from "./http.ts"
import { kubernetesAdapter } from "./kubernetes.ts"
import { otlpAdapter } from "./otlp.ts"
import { recordsAdapter } from "./records.ts"
import { teleportAdapter } from "./teleport.ts"

/** All of them, each of which says which requests are its own. */
export const httpAdapters: readonly Adapter[] = [
  ...[httpAdapter, kubernetesAdapter],
  ...[otlpAdapter, cloudeventsAdapter, recordsAdapter, teleportAdapter],
]
export {
  cloudeventsAdapter,
  httpAdapter,
  kubernetesAdapter,
  otlpAdapter,
  recordsAdapter,
  teleportAdapter,
}
