/**
 * What is written down: events as a writer makes them, entries as the port stores them
 * (docs/spec/event.md, docs/spec/log.md "Entry"). Never judges an event's bytes on the way in (that
 * is core's scanner), never hashes a leaf, never reads a clock or draws a random number: the caller
 * hands both in.
 */
export {
  type ActorInput,
  completeEvent,
  type EventInput,
  type EventWorld,
  encodeEvent,
  eventBytesMax,
  type TargetInput,
  type TimeInput,
  writeEvent,
} from "./completion.ts"
export {
  DigestPlaces,
  type DisclosedValue,
  digestsOf,
  discloseEvent,
  isSealedByPolicy,
} from "./digest-places.ts"
export {
  type Disclosure,
  digestsKey,
  disclosableKeys,
  disclosureDigest,
  encodeDisclosure,
  type KeptOut,
  parseDisclosure,
  parseDisclosureText,
} from "./disclosure.ts"
export { type Entry, parseEntry, splitLeaf } from "./entry.ts"
export {
  type Actor,
  type AuditEvent,
  actionPattern,
  eventKeys,
  isOutcome,
  type JsonObject,
  type Outcome,
  outcomes,
  type Target,
} from "./event.ts"
export { createEventId } from "./event-id.ts"
export { nearestName } from "./spelling.ts"
export { type Changed, deriveNonce, formatStamp, parseStamp, type Stamp } from "./stamp.ts"
export { formatTime, parseTime } from "./time.ts"
