import type { Draft } from "./report.ts"

/** What is checked of a log directory, and what each check counts. The order is that of the report. */
export const directoryChecks = {
  /** Segments follow each other: first index, slot number, hash of the slot before. */
  segments: "segments",
  /** Slots are whole (own hash, tail digest), numbered without a hole, chained. */
  slots: "slots",
  /** What is not there at the beginning is said by an entry, and its hashes are; omitted if everything is there. */
  retention: "entries",
  /** Records lead to the root of every slot. */
  tree: "entries",
  /** The frontier in each `.start` is that of the recomputed tree. */
  frontiers: "segments",
  /** Rows of the batch table agree with the records. */
  batches: "batches",
  /** Stamps are well written and agree with their row. */
  stamps: "entries",
  /** Nonces come from their batch's seed. */
  nonces: "entries",
  /** Streams have no silent hole. */
  streams: "streams",
  /** The hash files hold the recomputed nodes. */
  hashes: "hashes",
  /** The offsets files point at the records. */
  offsets: "offsets",
  /** Each receipt is for the slot before, with its range root. */
  receipts: "receipts",
  /** Receipts are signed by a receipt key that the log key certified. */
  "receipt-signatures": "signatures",
  head: "records",
  "last-signed": "records",
  /** The checkpoint's root is that of the recomputed tree at its size. */
  checkpoint: "checkpoints",
  "checkpoint-signature": "signatures",
  /** Each change of the log key is proven and stands in the tree; omitted if there is none. */
  keys: "changes",
  /** The values whose digests stand in entries are there; omitted if it is not known where they are kept. */
  disclosures: "values",
} as const

export type DirectoryCheck = keyof typeof directoryChecks
export type DirectoryDraft = Draft<DirectoryCheck>

/** Checks that look at what is in the slots: unreadable slots leave them incomplete. */
export const contentChecks = [
  "tree",
  "batches",
  "stamps",
  "nonces",
  "streams",
  "hashes",
  "offsets",
  "receipts",
  "receipt-signatures",
] as const satisfies readonly DirectoryCheck[]

/** What is checked of a log that is published as tiles. */
export const tileChecks = {
  "checkpoint-signature": "signatures",
  /** Every hash tile is what the tiles below it, or the entries, lead to. */
  tiles: "tiles",
  /** Bundles that are not there at the beginning went by rule, as an entry says; omitted if all are there. */
  retention: "entries",
  /** Every entry has the leaf hash that stands in the tile. */
  leaves: "entries",
  /** Stamps are well written; sequences of a stream only grow. */
  stamps: "entries",
  /** The values whose digests stand in entries are handed out; omitted unless asked for. */
  disclosures: "values",
  /** The tree has the checkpoint's root. */
  root: "checkpoints",
  /** The tree begins with the tree of the checkpoint that was seen last time. */
  consistency: "checkpoints",
} as const

export type TileCheck = keyof typeof tileChecks
export type TileDraft = Draft<TileCheck>
