/**
 * One connection of postern/1 as a state machine (docs/spec/wire.md). No socket, no clock, no disk: bytes go in, frames come
 * out, and everything else is asked of the Intake, which this room declares and the driver implements.
 */
export { AssemblyPlaces } from "./assembly-places.ts"
export { CreditPool } from "./credit-pool.ts"
export { FramedSession } from "./framed-session.ts"
export type {
  BatchOwner,
  BodyOffered,
  DeclaredGap,
  DurableBatch,
  DurableSlot,
  Intake,
  Offered,
  OfferedBatch,
  OfferedBody,
  RefusedDetail,
  RefusedEvents,
  SessionLine,
  SessionPeer,
  StreamSignature,
  WantedStream,
} from "./intake.ts"
