/**
 * Runs the processes of a service side by side and keeps them running. Touches no log, no socket and no event; knows the
 * processes by the path of their main file only.
 */
export {
  nodeFlags,
  type ProcessName,
  parseProcessName,
  processCommand,
  Supervisor,
} from "./supervisor.ts"
