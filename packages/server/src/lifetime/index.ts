/**
 * How reader and courier begin and end: their lines on standard error, the wait for the log, signals, exit status. Knows nothing of
 * what a process does. The port has a beginning and an end of its own, since its end decides what is durable.
 */
export { runProcess, type StartedProcess } from "./run-process.ts"
export { openTell, type Tell } from "./tell.ts"
export { waitForLog } from "./wait-for-log.ts"
