/**
 * The tree of the log and its notes: RFC 6962 hashing and proofs, range roots, and the C2SP formats
 * signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature, tlog-policy, tlog-witness and
 * tlog-proof (docs/spec/log.md). Pure arithmetic and text: it
 * never does I/O (hashes come through a `read` function), never reads a clock and never holds a
 * secret key. Sizes and indexes are numbers below 2^53, so bit operators, which cut at 32 bits, are
 * not used on them. What is checked here is assumed to come from an enemy.
 */
export { decodeEntryBundle, encodeEntryBundle } from "./bundle.ts"
export { checkConsistency, checkInclusion } from "./check.ts"
export {
  type Checkpoint,
  type ForeignCheckpoint,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  parseForeignCheckpoint,
} from "./checkpoint.ts"
export {
  type Cosignature,
  checkCosignature,
  cosignatureMessage,
  decodeCosignature,
  encodeCosignature,
  formatWitnessVkey,
  parseWitnessVkey,
  signCosignature,
  type WitnessVkey,
  witnessKeyId,
} from "./cosignature.ts"
export { type CosignedCheckpoint, openCosignedCheckpoint } from "./cosigned-checkpoint.ts"
export { emptyRoot, hashAt, hashBytes, leafHash, nodeHash } from "./hash.ts"
export {
  formatNote,
  formatSignatureLines,
  type Note,
  type NoteSignature,
  type NoteSigner,
  type OpenedNote,
  openNote,
  parseNote,
  parseSignatureLines,
  signNote,
} from "./note.ts"
export {
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  parsePolicy,
  quorumMet,
  type TrustPolicy,
} from "./policy.ts"
export {
  checkProofFile,
  formatProofFile,
  type ProofFile,
  parseProofFile,
} from "./proof-file.ts"
export { consistencyProof, inclusionProof, treeRoot } from "./prove.ts"
export {
  checkRange,
  type NodeAt,
  narrowRangePath,
  openRange,
  type Range,
  rangePath,
  rangeRoot,
  rootFromRange,
} from "./range.ts"
export { checkSeveral, proveSeveral } from "./several.ts"
export type { FoldHashes, ReadHashes } from "./subtree.ts"
export { parseTilePath, type Tile, tilePath, tilesAt, tileWidth, tileWidthMax } from "./tile.ts"
export { formatVkey, isKeyName, noteKeyId, parseVkey, type Vkey } from "./vkey.ts"
export {
  type AddCheckpoint,
  formatAddCheckpoint,
  formatCosigned,
  formatWitnessSize,
  parseAddCheckpoint,
  parseWitnessAnswer,
  type WitnessAnswer,
  witnessBodyBytesMax,
  witnessSizeType,
} from "./witness-request.ts"
