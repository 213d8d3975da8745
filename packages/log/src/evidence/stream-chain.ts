import { equalBytes, parseBase64 } from "../base/index.ts"
import { hashBytes } from "../tlog/index.ts"
import { streamDigestNext, streamDigestStart } from "../wire/index.ts"
import type { HeldEntry } from "./evidence-draft.ts"
import type { BatchLine } from "./evidence-line.ts"
import { type Opening, type Openings, textOf } from "./evidence-senders.ts"
import { verifyStreamStatement } from "./stream-signature.ts"

/** Where the writer itself said how far its stream goes and what is in it, if the signature is right. */
interface Statement {
  readonly next: number
  readonly digest: Uint8Array
  /** Of the certificate that signed for the stream then, base64 of its SubjectPublicKeyInfo; undefined if it signs nothing. */
  readonly publicKey: string | undefined
  /** Whether the writer signed it; checked when it is first asked for, since a long stream has many of them. */
  isSigned(): Promise<boolean>
}

export interface WriterSigned {
  /** Indexes of the leaves. */
  readonly leaves: ReadonlySet<number>
  /** The keys that signed, base64 of their SubjectPublicKeyInfo. */
  readonly publicKeys: ReadonlySet<string>
}

/**
 * The leaves of the stream whose bytes the writer signed for (docs/spec/evidence.md, Who says it). Goes from
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
): Promise<WriterSigned> {
  const signed = { leaves: new Set<number>(), publicKeys: new Set<string>() }
  const { framed, stream } = opening
  const hasChain = framed && stream !== undefined && /^[0-9a-f]{32}$/.test(stream)
  if (!hasChain || batches.length === 0) return signed
  const statements = statementsOf({ origin, stream }, opening, entries, openings)
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
    if (own === undefined) continue
    // Whether it was signed is asked only where it matters.
    const publicKey = goesOn ? undefined : await keyAt(statements, batch)
    if (!goesOn && publicKey === undefined) continue
    const before = await digestBefore(batch.first, batches[i - 1], statements, stream)
    nextSigned = before !== undefined && leadsTo(before, batch, own)
    if (!nextSigned) continue
    for (const { index } of own) signed.leaves.add(index)
    if (publicKey !== undefined) signed.publicKeys.add(publicKey)
  }
  return signed
}

/** By where they say that the stream has come to. */
type Statements = ReadonlyMap<number, readonly Statement[]>

/** The key that signed the digest after the batch; undefined if none did. */
async function keyAt(statements: Statements, batch: BatchLine): Promise<string | undefined> {
  for (const statement of statements.get(batch.first + batch.events) ?? []) {
    const { digest, publicKey } = statement
    if (equalBytes(digest, batch.digest) && (await statement.isSigned())) return publicKey
  }
  return undefined
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
  by: { readonly origin: string; readonly stream: string },
  opening: Opening,
  entries: readonly HeldEntry[],
  openings: Openings,
): Statements {
  const statements = new Map<number, Statement[]>()
  let { publicKey: newest } = opening
  for (const entry of entries) {
    if (continues(entry, opening, openings)) newest = textOf(entry.own?.data.publicKey)
    const kind = statementKinds.get(entry.own?.action ?? "")
    const { open, next, digest: digestText, signature } = entry.own?.data ?? {}
    if (kind === undefined || open !== opening.index || typeof signature !== "string") continue
    if (!isSequence(next) || typeof digestText !== "string") continue
    const digest = parseBase64(digestText)
    if (digest?.length !== hashBytes || !openings.isPortsOwn(entry)) continue
    const said = { ...by, kind, next, digest }
    const publicKey = newest
    let checked: Promise<boolean> | undefined
    const isSigned = async () => {
      if (publicKey === undefined) return false
      checked ??= verifyStreamStatement(said, publicKey, signature)
      return checked
    }
    const before = statements.get(next) ?? []
    statements.set(next, [...before, { next, digest, publicKey, isSigned }])
  }
  return statements
}

/** Whether the port says that another certificate of the writer signs for the stream from here on. */
function continues(entry: HeldEntry, opening: Opening, openings: Openings): boolean {
  const { own } = entry
  const isAbout = own?.action === "postern.stream.continued" && own.data.open === opening.index
  return isAbout && openings.isPortsOwn(entry)
}

const statementKinds: ReadonlyMap<string, "beat" | "close"> = new Map([
  ["postern.stream.beat", "beat"],
  ["postern.stream.closed", "close"],
])

function isSequence(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}
