/**
 * What a full spool means for those who bring events: who waits, for how long, and what is lost then, counted. Pure: the time comes as
 * an argument. Never forgets a loss: it stands in the place of what was lost.
 */
export { Backlog, type BacklogBounds } from "./backlog.ts"
export { SpoolLevel } from "./level.ts"
export { bytesOf, countOf, isLoss, type Loss, type Outgoing } from "./outgoing.ts"
