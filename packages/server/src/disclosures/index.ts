/**
 * The strongroom: values that were kept out of the log's leaves, sealed (docs/spec/disclosures.md). What was too large lies in one file
 * each under the month's key, or, until the policy has looked at it, under one that the process forgets; what the policy took out lies in
 * packs, under the key of a person or of a class and month, and these keys can be destroyed. The port writes, the reader process reads; what
 * opens them lies elsewhere, and so does what wraps the keys of encrypted segments. What a digest belongs to, who may see it and who may be forgotten is for others to say.
 */
export {
  type DisclosurePlaces,
  type DisclosureSource,
  DisclosureStore,
  openDisclosures,
} from "./disclosure-store.ts"
export { listExpiredMonths, removeMonths } from "./expired-months.ts"
export { HandedOver } from "./handed-over.ts"
export { formatKeyId, type KeyId, type KeyName, parseKeyId } from "./key-name.ts"
export { type KeyPlaces, wrappingKeyFiles } from "./key-places.ts"
export type { Destruction } from "./key-ring.ts"
export { type MacKey, type MacKeys, macKeyFiles, macKeyId, openMacKeys } from "./mac-keys.ts"
export type { SealedPlace } from "./pack-reader.ts"
export type { Found } from "./packed-value.ts"
export { type KeepOut, openKeepOut, type SaltKeys, saltKeyId } from "./salts.ts"
export { fastDigest } from "./sealed-file.ts"
export {
  openSealedRoom,
  type SealedRoom,
  type SealedRoomWorld,
  wrappingDaysMax,
} from "./sealed-room.ts"
export { makeKeyDirectory, openSaltKeys, saltKeyFiles } from "./sealing-keys.ts"
export { formatSecret } from "./secret-file.ts"
export {
  currentSegmentKey,
  makeSegmentKeys,
  openSegmentKeys,
  segmentKeyFiles,
  segmentKeyId,
  segmentKeyMaker,
} from "./segment-keys.ts"
