/**
 * Verifying a log without believing it: a log directory from its own bytes (docs/spec/disk.md, docs/spec/log.md), a
 * published log from its tiles (C2SP tlog-tiles). Says what is wrong in a report and goes on; throws only when there
 * is nothing to verify. Never writes, never locks, never opens a socket: tiles come through a TileSource.
 */

export { type DirectoryOptions, verifyDirectory } from "./directory-verification.ts"
export type { AskDisclosure } from "./disclosure-check.ts"
export type { Check, Finding, Report, Status } from "./report.ts"
export { type FetchedTile, TileFetcher } from "./tile-fetcher.ts"
export { openTileDirectory, type TileSource } from "./tile-source.ts"
export { type KnownTile, TileTree } from "./tile-tree.ts"
export { type TileOptions, type TileReport, verifyTiles } from "./tile-verification.ts"
