/** The ops plane: liveness, readiness, metrics; loopback only, no event content. */
export {
  type BreakGlassHealth,
  createOpsServer,
  listenOps,
  type PortHealth,
  type TlsHealth,
} from "./ops-server.ts"
