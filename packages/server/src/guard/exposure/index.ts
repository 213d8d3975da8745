/**
 * Which ports are good to listen on here, and whether those that the installation has are its own: what the kernel
 * says of sockets and ranges, what packet filters redirect, what IANA assigned. Facts are gathered in one place and
 * judged in others, which are pure. What cannot be found out is unknown, never ok. It changes nothing on the machine;
 * to see whether a port is free it listens there for a moment. Which addresses are refused: docs/operating/port.md.
 */
export {
  type JudgedPort,
  type PickedPorts,
  pickPorts,
  reservationOf,
} from "./candidates.ts"
export { type Finding, type Known, type Result, type Severity, worstOf } from "./finding.ts"
export {
  gatherListeners,
  judgeListeners,
  type Listener,
  type Plane,
  socketWords,
} from "./listeners.ts"
export { gatherPortFacts, type Machine, type PortFacts, thisMachine } from "./machine.ts"
export type { Reason } from "./number.ts"
