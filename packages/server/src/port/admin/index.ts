/** The admin plane's verbs, for operators and the courier process on this machine. Never reads the log, never takes an event. */
export {
  type AdminActions,
  type AdminPeer,
  type AdminRole,
  createAdminServer,
} from "./admin-server.ts"
