/**
 * Syslog over TLS on its own plane (docs/reference/write-syslog.md): bytes of a connection become messages, messages events by
 * the format `syslog`, and these go the way of every body. Nothing is acknowledged, since syslog has no word for it: instead
 * the port stops reading where it has no room, reads to the end before it stops, and enters a loss where a connection was cut.
 */
export { SyslogDoor, type SyslogDoorWorld } from "./syslog-door.ts"
export type { LossReason, NoRoom, SyslogIntake, SyslogLoss } from "./syslog-session.ts"
