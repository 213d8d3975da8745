import { concatBytes, equalBytes, formatBase64, isPosternError } from "@postern/log/base"
import { mayMatch, parseQuery } from "@postern/log/query"
import {
  type Checkpoint,
  hashBytes,
  leafHash,
  openCheckpoint,
  tileWidthMax,
} from "@postern/log/tlog"
import { type TileDraft, tileChecks } from "./checks.ts"
import { type AskDisclosure, DisclosureCheck } from "./disclosure-check.ts"
import { readOwnEntry } from "./own-entry.ts"
import { Draft, type Report } from "./report.ts"
import { SeenStreams } from "./seen-streams.ts"
import { type FetchedTile, TileFetcher } from "./tile-fetcher.ts"
import type { TileSource } from "./tile-source.ts"
import { type KnownTile, TileTree } from "./tile-tree.ts"

const pruning = parseQuery("action:postern.retention.pruned")

export interface TileOptions {
  /** The log's verifier key, from somewhere else than the source. */
  readonly vkey: string
  /** Opens a checkpoint of this log, also one by a newer key; default: under `vkey` alone. */
  readonly open?: (note: string) => Promise<Checkpoint>
  /** The checkpoint (a note) of the last verification that was well; undefined the first time, absent if nobody remembers. */
  readonly remembered?: string | undefined
  /** False: entries are not asked for, even if they would be shown. */
  readonly entries?: boolean
  /** Asks for the values that are kept beside the log; without it they are only counted. */
  readonly disclosures?: AskDisclosure | undefined
  /** Called after each tile of level 0: entries done, and in all. */
  readonly progress?: (entries: number, of: number) => void
}

export interface TileReport extends Report {
  /** Whether the entries were looked at, or, for want of a grant, only their hashes. */
  readonly saw: "entries" | "hashes"
  /** The checkpoint that all this is about, a note; absent if it is not signed. To be remembered if nothing failed. */
  readonly checkpoint?: string
}

/**
 * Verifies a published log (C2SP tlog-tiles) at its newest checkpoint: signature, every entry against its leaf hash,
 * every tile against the tiles below, the root, and that the log only grew since the last time. Without a grant for
 * entries the leaf hashes are taken as they are. What is wrong is in the report. Errors: whatever keeps the source from
 * answering, NOT_GRANTED if it shows not even hashes.
 */
export async function verifyTiles(source: TileSource, options: TileOptions): Promise<TileReport> {
  const draft: TileDraft = new Draft(tileChecks)
  const disclosures = new DisclosureCheck(draft, options.disclosures)
  if (!("remembered" in options)) draft.omit("consistency")
  else if (options.remembered === undefined) {
    draft.note("consistency", "nothing to compare with: this is the first time")
  }
  const note = await source.checkpoint()
  const checkpoint = await readCheckpoint(draft, note, openerOf(options))
  if (checkpoint === undefined) return unsigned(draft)
  const { origin, size } = checkpoint
  const fetcher = new TileFetcher(source, size, options.entries)
  const saw = await fetcher.look()
  const verification = new TileVerification(draft, fetcher, checkpoint, disclosures)
  verification.remember(await readRemembered(draft, options))
  await verification.run(options.progress ?? (() => undefined))
  const root = await verification.finish(saw)
  return { ...draft.finish({ origin, size, root }), saw, checkpoint: note }
}

class TileVerification {
  readonly #draft: TileDraft
  readonly #fetcher: TileFetcher
  readonly #checkpoint: Checkpoint
  readonly #disclosures: DisclosureCheck
  readonly #tree = new TileTree()
  readonly #streams = new SeenStreams()
  #remembered: Checkpoint | undefined
  /** Entries before are in no bundle; so far none was. */
  #missingTo = 0
  /** Where the log begins, by the newest of its entries that says so. */
  #saidTo = 0
  /** A tile is missing: the tree above it cannot be recomputed. */
  #broken = false

  constructor(
    draft: TileDraft,
    fetcher: TileFetcher,
    checkpoint: Checkpoint,
    disclosures: DisclosureCheck,
  ) {
    this.#draft = draft
    this.#fetcher = fetcher
    this.#checkpoint = checkpoint
    this.#disclosures = disclosures
  }

  /** The tree has to begin with the tree of this checkpoint. */
  remember(checkpoint: Checkpoint | undefined): void {
    if (checkpoint === undefined) return
    this.#draft.count("consistency")
    const { size } = this.#checkpoint
    if (checkpoint.size <= size) this.#remembered = checkpoint
    else {
      const what = `the log had ${checkpoint.size} entries the last time, it has ${size} now`
      this.#draft.fail("consistency", "rolled-back", "checkpoint", what)
    }
  }

  async run(progress: (entries: number, of: number) => void): Promise<void> {
    const { size } = this.#checkpoint
    await this.#compareRemembered(new Uint8Array(0))
    for await (const fetched of this.#fetcher.bottom()) {
      const leafHashes = this.#leafHashes(fetched)
      await this.#values(fetched)
      if (leafHashes === undefined) this.#broken = true
      if (leafHashes === undefined || this.#broken) continue
      await this.#compareRemembered(leafHashes)
      for (const tile of this.#tree.push(leafHashes)) await this.#compareTile(tile)
      await this.#compareRemembered(new Uint8Array(0))
      progress(this.#tree.size, size)
    }
  }

  async #values({ index, entries }: FetchedTile): Promise<void> {
    if (entries === undefined || entries === "not granted") return
    for (const [i, leaf] of entries.entries()) {
      await this.#disclosures.leaf(leaf, index * tileWidthMax + i)
    }
  }

  /** Gives the root as it was recomputed, base64. */
  async finish(saw: TileReport["saw"]): Promise<string | undefined> {
    const draft = this.#draft
    this.#checkBeginning()
    this.#disclosures.finish()
    if (saw === "hashes") {
      draft.omit("leaves")
      draft.omit("stamps")
      draft.omit("disclosures")
    }
    if (this.#broken) {
      draft.cannot("root", "a tile is missing")
      if (this.#remembered !== undefined) draft.cannot("consistency", "a tile is missing")
      return undefined
    }
    for (const tile of this.#tree.edge()) await this.#compareTile(tile)
    draft.count("root")
    const root = await this.#tree.root()
    if (!equalBytes(root, this.#checkpoint.root)) {
      const signed = formatBase64(this.#checkpoint.root)
      const what = `the tiles lead to ${formatBase64(root)}, signed is ${signed}`
      draft.fail("root", "root", "checkpoint", what)
    }
    return formatBase64(root)
  }

  /** Those of the tile, to see by the root whether it or an entry is the wrong one; else those of the entries. */
  #leafHashes(fetched: FetchedTile): Uint8Array | undefined {
    const { index, width, hashes, entries } = fetched
    const where = `tile 0/${index}`
    if (hashes !== undefined) this.#draft.count("tiles")
    else this.#draft.fail("tiles", "tile-missing", where, `there is no tile of ${width} hashes`)
    if (entries === "not granted") return hashes
    if (entries === undefined && this.#missingTo === index * tileWidthMax) {
      this.#missingTo += width
      return hashes
    }
    if (entries === undefined) {
      const what = `there is no bundle of ${width} entries`
      this.#draft.fail("leaves", "bundle-missing", `bundle ${index}`, what)
      return hashes
    }
    this.#draft.count("leaves", width)
    const computed = concatBytes(...entries.map(leafHash))
    for (const [i, entry] of entries.entries()) {
      const at = index * tileWidthMax + i
      this.#checkStamp(entry, at)
      this.#lookForPruning(entry)
      const range = [i * hashBytes, (i + 1) * hashBytes] as const
      if (hashes === undefined) continue
      if (equalBytes(computed.subarray(...range), hashes.subarray(...range))) continue
      this.#draft.fail("leaves", "leaf-hash", `entry ${at}`, "the tile has another leaf hash")
    }
    return hashes ?? computed
  }

  /** Nobody but the port may write an action that begins so, and the entry stands in the signed tree. */
  #lookForPruning(leaf: Uint8Array): void {
    if (this.#missingTo === 0 || !mayMatch(pruning, leaf)) return
    const entry = readOwnEntry(leaf)
    if (entry?.kind === "pruned") this.#saidTo = Math.max(this.#saidTo, entry.to)
  }

  /** A bundle that begins before the log does is not there: it could not be given whole (docs/spec/retention.md). */
  #checkBeginning(): void {
    const draft = this.#draft
    if (this.#missingTo > 0 && this.#saidTo > this.#missingTo - tileWidthMax) {
      draft.count("retention", this.#missingTo)
      draft.fact("pruned", this.#saidTo)
      return
    }
    draft.omit("retention")
    if (this.#missingTo === 0) return
    const what = `entries 0 to ${this.#missingTo} are in no bundle, and no entry says that they went by rule`
    draft.fail("leaves", "bundle-missing", "bundle 0", what)
  }

  #checkStamp(entry: Uint8Array, index: number): void {
    this.#draft.count("stamps")
    const fault = this.#streams.fault(entry, index)
    if (fault !== undefined) this.#draft.fail("stamps", "stamp", `entry ${index}`, fault)
  }

  async #compareTile({ level, index, hashes }: KnownTile): Promise<void> {
    const width = hashes.length / hashBytes
    const where = `tile ${level}/${index}`
    const fetched = await this.#fetcher.hashTile(level, index, width)
    if (fetched === undefined) {
      this.#draft.fail("tiles", "tile-missing", where, `there is no tile of ${width} hashes`)
      return
    }
    this.#draft.count("tiles")
    if (equalBytes(fetched, hashes)) return
    this.#draft.fail("tiles", "tile-hash", where, "it is not what the tiles below lead to")
  }

  /** @param leafHashes of the next tile, which is not part of the tree yet */
  async #compareRemembered(leafHashes: Uint8Array): Promise<void> {
    const remembered = this.#remembered
    if (remembered === undefined) return
    const more = remembered.size - this.#tree.size
    const within = more > 0 && more * hashBytes < leafHashes.length
    if (!within && !(more === 0 && leafHashes.length === 0)) return
    const root = await this.#tree.rootWith(leafHashes.subarray(0, more * hashBytes))
    this.#remembered = undefined
    if (equalBytes(root, remembered.root)) return
    const what = `its first ${remembered.size} entries are not those that were signed before`
    this.#draft.fail("consistency", "fork", "checkpoint", what)
  }
}

function openerOf({ vkey, open }: TileOptions): (note: string) => Promise<Checkpoint> {
  return open ?? ((note) => openCheckpoint(note, vkey))
}

/** Undefined if it is not signed: then nobody has said how large the log is, or what its root should be. */
async function readCheckpoint(
  draft: TileDraft,
  note: string,
  open: (note: string) => Promise<Checkpoint>,
): Promise<Checkpoint | undefined> {
  try {
    const checkpoint = await open(note)
    draft.count("checkpoint-signature")
    return checkpoint
  } catch (error) {
    if (!isPosternError(error)) throw error
    draft.fail("checkpoint-signature", "checkpoint-signature", "checkpoint", error.message)
    return undefined
  }
}

function unsigned(draft: TileDraft): TileReport {
  for (const check of [
    "tiles",
    "retention",
    "leaves",
    "stamps",
    "disclosures",
    "root",
    "consistency",
  ] as const) {
    draft.cannot(check, "there is no signed checkpoint to compare with")
  }
  return { ...draft.finish({ origin: "", size: 0, root: undefined }), saw: "hashes" }
}

async function readRemembered(
  draft: TileDraft,
  options: TileOptions,
): Promise<Checkpoint | undefined> {
  const { remembered } = options
  if (remembered === undefined) return undefined
  try {
    return await openerOf(options)(remembered)
  } catch (error) {
    if (!isPosternError(error)) throw error
    const where = "remembered checkpoint"
    draft.fail("consistency", "remembered-signature", where, error.message)
    return undefined
  }
}
