/**
 * Foreign bodies made into framed events (docs/spec/event.md, docs/spec/wire.md, BATCH): plain JSON
 * over HTTP, and the audit webhook of a Kubernetes API server. Never parses an event into objects,
 * never changes a byte of what the sender wrote, never decides whether an event is acceptable: what
 * an adapter cannot make sense of goes on in a form that the core's scanner refuses by itself.
 */
export type { Adapter, AdapterBody, AdapterRegion, AdapterRun } from "./api.ts"
export { regionBytesMin } from "./api.ts"
export { httpAdapter } from "./http.ts"
export { kubernetesAdapter } from "./kubernetes.ts"
