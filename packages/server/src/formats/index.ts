/**
 * What sources already write, made into events v1 (docs/spec/sources.md): one file a format, each of which turns records
 * into members and keeps the record as it came. Pure: whoever has the records brings them and writes down what comes back.
 * Never drops anything, never changes an original, never guesses: what a record does not say is `unknown`.
 */
export type {
  Decoder,
  ForeignEvent,
  ForeignMembers,
  Format,
  FormatWorld,
  Give,
  Party,
} from "./api.ts"
export { elementsOf } from "./elements.ts"
export { formats } from "./formats.ts"
export { isUnreadable, said, tooLargeToRead, unknownActor, unreadable } from "./members.ts"
export { parseMapping } from "./parse-mapping.ts"
export { recognise } from "./recognise.ts"
export { isObject, parseObject } from "./record.ts"
export { isStrictObject } from "./strict-object.ts"
export { actionOf, clipText } from "./texts.ts"
export { type EventDefaults, writeEvent, writeMembers } from "./write-event.ts"
