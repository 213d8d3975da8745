import { assert, isPosternError, type PosternError } from "../base/index.ts"
import { type Entry, parseEntry } from "../event/index.ts"
import { hashBytes, leafHash } from "../tlog/index.ts"
import { DisclosureReading, type EvidenceDisclosure } from "./disclosure-reading.ts"
import type { BatchLine, EvidenceHead, EvidenceLine } from "./evidence-line.ts"
import { demandEvidence, EvidenceFault } from "./finding.ts"
import type { KeyProof } from "./key-proof.ts"

/** What the checks need of an entry of the file; the rest of it is not kept. */
export interface HeldEntry {
  readonly index: number
  /** False for a context line. */
  readonly isLeaf: boolean
  /** From the stamp: the entry that opened its stream, and the sequence in it. */
  readonly open: number
  readonly sequence: number
  /** Whether the port changed the event. */
  readonly changed: boolean
  /** Of entries that a port may have written of itself: action and data, as the enemy's JSON has them. */
  readonly own:
    | { readonly action: string; readonly data: Readonly<Record<string, unknown>> }
    | undefined
  /** The event's bytes, of leaves of the stream that the file is about. */
  readonly event: Uint8Array | undefined
}

/** Told of what is in the file, as it comes: nothing is proven yet. */
export interface EvidenceTold {
  onLeaf(leaf: EvidenceLeaf): void
  /** After its leaf. */
  onDisclosure(disclosure: EvidenceDisclosure): void
}

export interface EvidenceLeaf {
  readonly index: number
  /** Stamp, line feed, event: that much was checked. */
  readonly leaf: Uint8Array
}

// biome-ignore format: one line
const phases = { head: 0, note: 1, key: 2, leaf: 3, disclosure: 3, context: 3, batch: 4, hashes: 5, end: 6 } as const
const keysMax = 1000
const inForks: ReadonlySet<EvidenceLine["kind"]> = new Set(["note", "key", "end"])
/** A path has at most one hash a tree level for each entry of the file, and trees stay below 2^53. */
const levelsMax = 53

/** An evidence file as far as it was read: its lines stand in order and are well-formed, no more. */
export class EvidenceDraft {
  head: EvidenceHead | undefined
  readonly notes: string[] = []
  readonly keys: KeyProof[] = []
  readonly entries: HeldEntry[] = []
  readonly batches: BatchLine[] = []
  readonly path: Uint8Array[] = []
  leafCount = 0
  ended: { readonly lines: number; readonly sha256: string } | undefined
  #leafHashes: Uint8Array = new Uint8Array(64 * hashBytes)
  #phase = -1
  readonly disclosures: DisclosureReading
  readonly #leavesMax: number
  readonly #told: EvidenceTold

  constructor(leavesMax: number, told: EvidenceTold) {
    this.#leavesMax = leavesMax
    this.#told = told
    this.disclosures = new DisclosureReading(told.onDisclosure)
  }

  /** Of all entries of the file, 32 bytes each, concatenated. */
  get leafHashes(): Uint8Array {
    return this.#leafHashes.subarray(0, this.entries.length * hashBytes)
  }

  /** Takes the next line. @throws EvidenceFault */
  take(line: EvidenceLine, where: string): void {
    const phase = phases[line.kind]
    const inOrder = this.#phase === -1 ? phase === 0 : phase >= this.#phase && phase > 0
    demandEvidence(inOrder && this.ended === undefined, "order", where, `no place for ${line.kind}`)
    this.#phase = phase
    const fork = this.head?.evidence === "fork"
    const fits = !fork || inForks.has(line.kind)
    demandEvidence(fits, "order", where, `a fork has no ${line.kind} line`)
    if (line.kind !== "disclosure") this.disclosures.end(where)
    switch (line.kind) {
      case "head":
        return this.#takeHead(line, where)
      case "note":
        demandEvidence(this.notes.length < (fork ? 2 : 1), "order", where, "a note too many")
        this.notes.push(line.note)
        return
      case "key":
        return this.#takeKey(line.proof, where)
      case "leaf":
      case "context":
        return this.#takeEntry(line, where)
      case "disclosure":
        return this.disclosures.take(line, where)
      case "batch":
        return this.#takeBatch(line, where)
      case "hashes":
        return this.#takeHashes(line.hashes, where)
      case "end":
        this.ended = line
    }
  }

  #takeHead(head: EvidenceHead, where: string): void {
    const { count, evidence } = head
    demandEvidence((count === 0) === (evidence === "fork"), "count", where, `a count of ${count}`)
    demandEvidence(count <= this.#leavesMax, "limit", where, `over ${this.#leavesMax} leaves`)
    this.head = head
  }

  #takeKey(proof: KeyProof, where: string): void {
    const last = this.keys.at(-1)?.index ?? -1
    demandEvidence(proof.index > last, "order", where, `entry ${proof.index} after ${last}`)
    demandEvidence(this.keys.length < keysMax, "limit", where, `over ${keysMax} key lines`)
    this.keys.push(proof)
  }

  #takeEntry(line: EvidenceLine & { kind: "leaf" | "context" }, where: string): void {
    const { index, leaf } = line
    const last = this.entries.at(-1)?.index ?? -1
    demandEvidence(index > last, "order", where, `entry ${index} after ${last}`)
    const isLeaf = line.kind === "leaf"
    if (isLeaf) this.leafCount += 1
    const over = this.entries.length >= 2 * this.#leavesMax
    demandEvidence(!over, "limit", where, `over ${2 * this.#leavesMax} entries`)
    this.#keepHash(leafHash(leaf))
    const entry = readEntry(leaf, `${where}, entry ${index}`)
    this.entries.push(this.#hold(index, entry, isLeaf, where))
    if (!isLeaf) return
    this.disclosures.begin(index, entry.event)
    this.#told.onLeaf({ index, leaf })
  }

  #hold(index: number, entry: Entry, isLeaf: boolean, where: string): HeldEntry {
    const { stamp, event, eventBytes } = entry
    const { open, sequence, changed } = stamp
    demandEvidence(open <= index, "leaf", where, `entry ${index} was opened by ${open}, later`)
    const { action, data } = event
    const own = typeof action === "string" && action.startsWith("postern.")
    const ofStream = this.head?.evidence === "stream" && this.head.claim.open === open && isLeaf
    return {
      index,
      isLeaf,
      open,
      sequence,
      changed: changed !== 0,
      own: own ? { action, data: isRecord(data) ? data : {} } : undefined,
      event: ofStream ? eventBytes : undefined,
    }
  }

  #keepHash(hash: Uint8Array): void {
    const at = this.entries.length * hashBytes
    if (at === this.#leafHashes.length) {
      const more = new Uint8Array(2 * at)
      more.set(this.#leafHashes)
      this.#leafHashes = more
    }
    this.#leafHashes.set(hash, at)
  }

  #takeBatch(batch: BatchLine, where: string): void {
    const inStream = this.head?.evidence === "stream"
    demandEvidence(inStream, "order", where, "only the file of a stream has batch lines")
    const last = this.batches.at(-1)
    const end = last === undefined ? 0 : last.first + last.events
    demandEvidence(batch.first >= end, "order", where, `a batch from ${batch.first}, before ${end}`)
    this.batches.push(batch)
  }

  #takeHashes(hashes: Uint8Array, where: string): void {
    for (let at = 0; at < hashes.length; at += hashBytes) {
      this.path.push(hashes.subarray(at, at + hashBytes))
    }
    const most = this.entries.length * levelsMax
    demandEvidence(this.path.length <= most, "tree", where, "more hashes than any tree needs")
  }

  /** The head, once the whole file was read. */
  finished(): EvidenceHead {
    assert(this.head !== undefined && this.ended !== undefined, "the file was read to its end")
    return this.head
  }
}

function readEntry(leaf: Uint8Array, where: string): Entry {
  try {
    return parseEntry(leaf)
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw new EvidenceFault("leaf", where, (error as PosternError).detail ?? "it is no entry")
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
