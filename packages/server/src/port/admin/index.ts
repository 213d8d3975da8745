/** The admin plane's verbs, for operators on this machine. Never reads the log, never takes an event. */
export { type AdminActions, createAdminServer } from "./admin-server.ts"
