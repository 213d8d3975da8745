/**
 * What a full spool means for events that are written where nobody could catch an exception: behind an answered request, in a logger. They become a
 * loss, which is told to onProblem at once and written into the stream as soon as it has room, before whatever is written there next.
 */
export { connect } from "./connect.ts"
export { type LosingAudit, writeOrLose } from "./write-or-lose.ts"
