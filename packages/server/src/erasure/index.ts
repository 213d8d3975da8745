/**
 * What an erasure is about (docs/spec/erasure.md): a person's values as a list with one digest, and what entries of the log say of
 * keys that were destroyed. Knows no key, no file and no person.
 */
export { readDestruction, type SaidDestruction } from "./said-destruction.ts"
export { subjectNames } from "./subject-names.ts"
export {
  digestOfFirst,
  type EntryValues,
  summarise,
  ValueDigest,
  type ValueSummary,
} from "./value-list.ts"
