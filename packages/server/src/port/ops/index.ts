/** The ops plane: liveness, readiness, metrics; loopback only, no event content. */
export { createOpsServer, listenOps, type PortHealth } from "./ops-server.ts"
