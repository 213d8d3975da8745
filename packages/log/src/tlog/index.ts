/**
 * The tree of the log and its notes: RFC 6962 hashing and proofs, range roots, and the C2SP formats
 * signed-note, tlog-checkpoint and tlog-tiles (docs/spec/log.md). Pure arithmetic and text: it
 * never does I/O (hashes come through a `read` function), never reads a clock and never holds a
 * secret key. Sizes and indexes are numbers below 2^53, so bit operators, which cut at 32 bits, are
 * not used on them. What is checked here is assumed to come from an enemy.
 */
export { decodeEntryBundle, encodeEntryBundle } from "./bundle.ts"
export { checkConsistency, checkInclusion } from "./check.ts"
export {
  type Checkpoint,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from "./checkpoint.ts"
export { emptyRoot, hashAt, hashBytes, leafHash, nodeHash } from "./hash.ts"
export {
  formatNote,
  type Note,
  type NoteSignature,
  type NoteSigner,
  type OpenedNote,
  openNote,
  parseNote,
  signNote,
} from "./note.ts"
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
export { checkSeveral } from "./several.ts"
export type { ReadHashes } from "./subtree.ts"
export { parseTilePath, type Tile, tilePath, tilesAt, tileWidth, tileWidthMax } from "./tile.ts"
export { formatVkey, isKeyName, noteKeyId, parseVkey, type Vkey } from "./vkey.ts"
