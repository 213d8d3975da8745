/**
 * The monitor: a log watched from outside, by somebody who need not trust whoever runs it (docs/operating/monitor.md).
 * Connects every checkpoint with the one before, also across its own restarts; derives the tree as it grows; raises
 * alarms and takes back those that may be taken back. What it was shown that cannot be right is kept before anybody is
 * told. Decisions are in monitor-state.ts and read no clock. Never opens a socket, never sends anything of an entry on.
 */
export {
  type AlarmChange,
  type AlarmName,
  alarmSeverity,
  type Raised,
  type Severity,
} from "./alarm.ts"
export { type Loaded, Memory } from "./memory.ts"
export { Monitor, type MonitorEvent, type MonitoredPort, type MonitorWorld } from "./monitor.ts"
export { gravest, type MonitorLimits, type MonitorState } from "./monitor-state.ts"
export { type WatchedLog, watchedLog, withKeys } from "./watched-log.ts"
