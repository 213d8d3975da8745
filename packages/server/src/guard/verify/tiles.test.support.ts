import { concatBytes, encodeUtf8, PosternError } from "@postern/log/base"
import { formatStamp } from "@postern/log/event"
import {
  emptyRoot,
  encodeEntryBundle,
  formatCheckpoint,
  hashBytes,
  leafHash,
  rangeRoot,
  signNote,
  tilePath,
  tilesAt,
  tileWidthMax,
} from "@postern/log/tlog"
import type { TileSource } from "./tile-source.ts"
import { type Key, origin } from "./written-log.test.support.ts"

/** A published log in memory. Its files are open to every change. */
export interface PublishedLog extends TileSource {
  readonly files: Map<string, Uint8Array>
  note: string
}

export function entriesOf(count: number, seed = 0): Uint8Array[] {
  const nonce = new Uint8Array(16)
  return Array.from({ length: count }, (_, sequence) => {
    const stamp = formatStamp({ received: 1, open: 0, sequence, nonce, changed: 0 })
    return encodeUtf8(`${stamp}\n{"seed":${seed}}`)
  })
}

/** Every tile by the definition, without a tree: a hash of level L is the range root of its 256^L entries. */
export async function publish(entries: readonly Uint8Array[], key: Key): Promise<PublishedLog> {
  const files = new Map<string, Uint8Array>()
  const leafHashes = concatBytes(...entries.map(leafHash))
  for (const tile of tilesAt(entries.length)) {
    const { level, index, width } = tile
    const from = index * tileWidthMax
    if (level === "entries") {
      files.set(tilePath(tile), encodeEntryBundle(entries.slice(from, from + width)))
      continue
    }
    const unit = tileWidthMax ** level
    const hashes = Array.from({ length: width }, (_, i) => {
      const range = [(from + i) * unit * hashBytes, (from + i + 1) * unit * hashBytes] as const
      return rangeRoot((from + i) * unit, leafHashes.subarray(...range))
    })
    files.set(tilePath(tile), concatBytes(...hashes))
  }
  const root = entries.length === 0 ? emptyRoot : rangeRoot(0, leafHashes)
  const text = formatCheckpoint({ origin, size: entries.length, root })
  const log: PublishedLog = {
    files,
    note: await signNote(text, key.signer),
    checkpoint: async () => log.note,
    tile: async (path) => {
      const bytes = files.get(path)
      if (bytes === undefined) throw new PosternError("NOT_FOUND", path)
      return bytes
    },
  }
  return log
}
