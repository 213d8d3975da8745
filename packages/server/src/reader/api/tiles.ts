import { PosternError } from "@postern/log/base"
import {
  encodeEntryBundle,
  parseTilePath,
  type Tile,
  tileWidth,
  tileWidthMax,
} from "@postern/log/tlog"
import { z } from "zod"
import { prunedError } from "../../disk/index.ts"
import type { Desk } from "./desk.ts"
import { defineRoute, type Question, type Route } from "./route.ts"

const none = z.strictObject({})
const octets = "application/octet-stream"
/** What is behind a path never changes; only a reader's own cache may keep it, since access is by certificate. */
const immutable = "private, max-age=31536000, immutable"

/** C2SP tlog-tiles, byte for byte: checkpoint, hash tiles, entry bundles. Partial tiles of any width that was reached. */
export function tileRoutes(desk: Desk): Route[] {
  const inPath = {
    N: "Tile number in groups of three digits, all but the last after an x; a partial tile is followed by .p/ and its width",
  }
  return [
    defineRoute({
      path: "/checkpoint",
      pattern: "/checkpoint",
      operation: "getCheckpoint",
      summary: "The newest signed checkpoint",
      see: "monitor",
      query: none,
      answer: { type: "text/plain" },
      handle: () => giveCheckpoint(desk),
    }),
    defineRoute({
      path: "/v1/checkpoint/witnessed",
      pattern: "/v1/checkpoint/witnessed",
      operation: "getWitnessedCheckpoint",
      summary: "The newest checkpoint that has the quorum of the log's own witnesses",
      see: "monitor",
      query: none,
      answer: { type: "text/plain" },
      handle: () => giveWitnessed(desk),
    }),
    defineRoute({
      path: "/v1/keys",
      pattern: "/v1/keys",
      operation: "getKeys",
      summary:
        "The proofs of each change of the log key, oldest first, one JSON object a line (docs/spec/keys.md)",
      see: "monitor",
      query: none,
      answer: { type: "application/x-ndjson" },
      handle: () => giveKeys(desk),
    }),
    defineRoute({
      path: "/tile/entries/{N}",
      pattern: "/tile/entries/*",
      operation: "getEntryBundle",
      summary: "An entry bundle: up to 256 entries, each after its length",
      see: "auditor",
      query: none,
      inPath,
      answer: { type: octets },
      handle: (question) => giveBundle(desk, question),
    }),
    defineRoute({
      path: "/tile/{L}/{N}",
      pattern: "/tile/*",
      operation: "getHashTile",
      summary: "A hash tile: up to 256 hashes of the tree",
      see: "monitor",
      query: none,
      inPath: { L: "Tile level, 0 to 63", ...inPath },
      answer: { type: octets },
      handle: (question) => giveHashTile(desk, question),
    }),
  ]
}

async function giveCheckpoint({ checkpoints, counters }: Desk): Promise<Response> {
  const newest = await checkpoints.newest()
  if (newest === undefined) throw new PosternError("NOT_FOUND", "no checkpoint was signed yet")
  counters.checkpoints++
  return bytesResponse(newest.note, "text/plain; charset=utf-8", "private, max-age=1")
}

/** A busy log signs anew before cosignatures are back, so the newest checkpoint seldom has them. */
async function giveWitnessed({ world, counters }: Desk): Promise<Response> {
  const note = await world.view.witnessed()
  if (note === undefined) throw new PosternError("NOT_FOUND", "no checkpoint was witnessed yet")
  counters.checkpoints++
  return bytesResponse(note, "text/plain; charset=utf-8", "private, max-age=1")
}

async function giveHashTile(desk: Desk, { path }: Question): Promise<Response> {
  const { level, index, width } = await publishedTile(desk, path)
  const from = index * tileWidthMax
  const hashes = await desk.world.view.hashes(Number(level), from, from + width)
  desk.counters.tiles++
  return bytesResponse(hashes, octets, immutable)
}

async function giveKeys({ world }: Desk): Promise<Response> {
  return bytesResponse(await world.view.keys(), "application/x-ndjson", "private, max-age=1")
}

async function giveBundle(desk: Desk, { path, peer, text }: Question): Promise<Response> {
  const { index, width } = await publishedTile(desk, path)
  const from = index * tileWidthMax
  const { minimum } = desk.world.view.head()
  // It has to be given whole or not at all: the minimum index of tlog-tiles is a multiple of 256.
  if (from < minimum) throw prunedError(from, minimum)
  await desk.ledger.recordBundle(peer, text, index)
  const leaves = await desk.world.view.leaves(from, from + width)
  desk.counters.bundles++
  return bytesResponse(encodeEntryBundle(leaves), octets, immutable)
}

/** The tile of the path, if the newest checkpoint covers it whole. @throws PosternError NOT_FOUND */
async function publishedTile({ checkpoints }: Desk, path: string): Promise<Tile> {
  const tile = parseTilePath(path)
  const size = (await checkpoints.newest())?.size ?? 0
  if (tile.width > tileWidth(tile.level, tile.index, size)) {
    throw new PosternError("NOT_FOUND", `the published tree of ${size} entries has no such tile`)
  }
  return tile
}

function bytesResponse(body: string | Uint8Array, type: string, caching: string): Response {
  const headers = {
    "content-type": type,
    "cache-control": caching,
    "x-content-type-options": "nosniff",
  }
  return new Response(body as Uint8Array<ArrayBuffer> | string, { headers })
}
