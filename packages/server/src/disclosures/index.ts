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
  openDisclosures,
} from "./disclosure-store.ts"
export { type KeepOut, openKeepOut, type SaltKeys, saltKeyId } from "./salts.ts"
export { formatSecret, openSaltKeys, saltKeyFiles } from "./sealing-keys.ts"
