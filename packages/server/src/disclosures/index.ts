/**
 * The strongroom: values that were kept out of the log's leaves, sealed, one file each (docs/spec/disclosures.md). The port
 * writes, the reader process reads; the keys lie elsewhere. Knows nothing of entries: what a digest belongs to, and who may
 * see it, is for others to say.
 */
export {
  type DisclosurePlaces,
  type DisclosureSource,
  DisclosureStore,
  type Found,
  type KeptOut,
  openDisclosures,
} from "./disclosure-store.ts"
export { type KeepOut, openKeepOut } from "./salts.ts"
export { openSaltKey } from "./sealing-keys.ts"
