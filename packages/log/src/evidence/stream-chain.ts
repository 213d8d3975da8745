import { equalBytes, parseBase64 } from "../base/index.ts"
import { hashBytes } from "../tlog/index.ts"
import { streamDigestNext, streamDigestStart } from "../wire/index.ts"
import type { HeldEntry } from "./evidence-draft.ts"
import type { BatchLine } from "./evidence-line.ts"
import type { Opening, Openings } from "./evidence-senders.ts"
import { verifyStreamStatement } from "./stream-signature.ts"

/** Where the writer itself said how far its stream goes and what is in it, if the signature is right. */
interface Statement {
  readonly next: number
  readonly digest: Uint8Array
  /** Whether the writer signed it; checked when it is first asked for, since a long stream has many of them. */
  isSigned(): Promise<boolean>
}

/**
 * Indexes of the leaves of the stream whose bytes the writer signed for (docs/spec/evidence.md, Who says it). Goes from
 * the last batch to the first: a digest that was signed, or that goes into one that was, can have been made only of these
 * bytes, whoever wrote the file.
 * @param batches ascending, not overlapping; taken for an enemy's
 */
export async function writerSignedLeaves(
  origin: string,
  opening: Opening,
  entries: readonly HeldEntry[],
  openings: Openings,
  batches: readonly BatchLine[],
): Promise<ReadonlySet<number>> {
  const signed = new Set<number>()
  const { framed, stream, publicKey } = opening
  const hasChain = framed && stream !== undefined && /^[0-9a-f]{32}$/.test(stream)
  if (!hasChain || publicKey === undefined || batches.length === 0) return signed
  const statements = statementsOf({ origin, stream, publicKey }, opening, entries, openings)
  const leaves = new Map<number, HeldEntry>()
  for (const entry of entries) {
    if (entry.isLeaf && entry.open === opening.index) leaves.set(entry.sequence, entry)
  }
  let nextSigned = false
  for (let i = batches.length - 1; i >= 0; i--) {
    const batch = batches[i] as BatchLine
    const own = leavesOf(batch, leaves)
    const goesOn: boolean = nextSigned && batches[i + 1]?.first === batch.first + batch.events
    nextSigned = false
    // Whether it was signed is asked only where it matters.
    if (own === undefined || !(goesOn || (await isSignedAt(statements, batch)))) continue
    const before = await digestBefore(batch.first, batches[i - 1], statements, stream)
    nextSigned = before !== undefined && leadsTo(before, batch, own)
    if (nextSigned) for (const { index } of own) signed.add(index)
  }
  return signed
}

/** By where they say that the stream has come to. */
type Statements = ReadonlyMap<number, readonly Statement[]>

async function isSignedAt(statements: Statements, batch: BatchLine): Promise<boolean> {
  for (const statement of statements.get(batch.first + batch.events) ?? []) {
    if (equalBytes(statement.digest, batch.digest) && (await statement.isSigned())) return true
  }
  return false
}

async function digestBefore(
  first: number,
  previous: BatchLine | undefined,
  statements: Statements,
  stream: string,
): Promise<Uint8Array | undefined> {
  if (first === 0) return streamDigestStart(stream)
  if (previous !== undefined && previous.first + previous.events === first) return previous.digest
  for (const statement of statements.get(first) ?? []) {
    if (await statement.isSigned()) return statement.digest
  }
  return undefined
}

/** The leaves of the whole batch as they were sent; undefined if the file has them not. */
function leavesOf(
  { first, events }: BatchLine,
  leaves: ReadonlyMap<number, HeldEntry>,
): HeldEntry[] | undefined {
  if (events > leaves.size) return undefined
  const own: HeldEntry[] = []
  for (let sequence = first; sequence < first + events; sequence++) {
    const leaf = leaves.get(sequence)
    if (leaf === undefined || leaf.changed) return undefined
    own.push(leaf)
  }
  return own
}

function leadsTo(before: Uint8Array, batch: BatchLine, leaves: readonly HeldEntry[]): boolean {
  const events = leaves.map(({ event = new Uint8Array(0) }) => event)
  const region = new Uint8Array(events.reduce((sum, { length }) => sum + 4 + length, 0))
  const view = new DataView(region.buffer)
  let at = 0
  for (const event of events) {
    view.setUint32(at, event.length)
    region.set(event, at + 4)
    at += 4 + event.length
  }
  return equalBytes(streamDigestNext(before, batch.first, batch.events, region), batch.digest)
}

function statementsOf(
  by: { readonly origin: string; readonly stream: string; readonly publicKey: string },
  opening: Opening,
  entries: readonly HeldEntry[],
  openings: Openings,
): Statements {
  const statements = new Map<number, Statement[]>()
  for (const entry of entries) {
    const kind = statementKinds.get(entry.own?.action ?? "")
    const { open, next, digest: digestText, signature } = entry.own?.data ?? {}
    if (kind === undefined || open !== opening.index || typeof signature !== "string") continue
    if (!isSequence(next) || typeof digestText !== "string") continue
    const digest = parseBase64(digestText)
    if (digest?.length !== hashBytes || !openings.isPortsOwn(entry)) continue
    const { origin, stream, publicKey } = by
    const said = { origin, stream, kind, next, digest }
    let checked: Promise<boolean> | undefined
    const isSigned = () => {
      checked ??= verifyStreamStatement(said, publicKey, signature)
      return checked
    }
    statements.set(next, [...(statements.get(next) ?? []), { next, digest, isSigned }])
  }
  return statements
}

const statementKinds: ReadonlyMap<string, "beat" | "close"> = new Map([
  ["postern.stream.beat", "beat"],
  ["postern.stream.closed", "close"],
])

function isSequence(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}
