import { encodeUtf8, formatBase64, parseBase64, parseDecimal } from "../base/index.ts"
import { hashBytes } from "../tlog/index.ts"
import { formatKeyProof, type KeyProof, parseKeyProof } from "./key-proof.ts"
import { parseStrictJson } from "./strict-json.ts"

/** The lines of an evidence file (docs/spec/evidence.md): text to values and back, strictly. */
export type EvidenceLine =
  | ({ readonly kind: "head" } & EvidenceHead)
  | { readonly kind: "note"; readonly note: string }
  | { readonly kind: "key"; readonly proof: KeyProof }
  | { readonly kind: "leaf" | "context"; readonly index: number; readonly leaf: Uint8Array }
  | ({ readonly kind: "disclosure" } & DisclosurePiece)
  | ({ readonly kind: "batch" } & BatchLine)
  | { readonly kind: "hashes"; readonly hashes: Uint8Array }
  | { readonly kind: "end"; readonly lines: number; readonly sha256: string }

export const evidenceKinds = ["set", "range", "stream", "fork"] as const
export type EvidenceKind = (typeof evidenceKinds)[number]

export interface EvidenceHead {
  readonly origin: string
  readonly evidence: EvidenceKind
  /** What the maker was asked for. For a range or stream, exactly what it is checked for. */
  readonly claim: Readonly<Record<string, unknown>>
  /** Leaf lines. */
  readonly count: number
}

/** A piece of a disclosure's text; how many are still to come. */
export interface DisclosurePiece {
  readonly after: number
  /** 1 to disclosurePieceMax characters of base64url. */
  readonly text: string
}

/** A batch of the stream as the port's batch table has it, or a gap. */
export interface BatchLine {
  /** Sequence of its first event. */
  readonly first: number
  /** At least 1. */
  readonly events: number
  /** Chain digest after it, 32 bytes. */
  readonly digest: Uint8Array
}

/** Of the claim as JSON. */
export const claimBytesMax = 4096
/** With this every evidence file begins that is not packed. */
export const evidenceFileStart = '{"postern":"evidence@v1",'
export const hashesPerLineMax = 1024
/** Characters of a disclosure's text in one line: as many in every line but its last. */
export const disclosurePieceMax = 65_536

/** Without the line feed. */
export function formatEvidenceLine(line: EvidenceLine): string {
  switch (line.kind) {
    case "head": {
      const { origin, evidence: kind, claim, count } = line
      return JSON.stringify({ postern: "evidence@v1", origin, kind, claim, count })
    }
    case "note":
      return JSON.stringify({ note: line.note })
    case "key":
      return formatKeyProof(line.proof)
    case "leaf":
    case "context":
      return `{"${line.kind}":[${line.index},"${formatBase64(line.leaf)}"]}`
    case "disclosure":
      return `{"disclosure":[${line.after},"${line.text}"]}`
    case "batch":
      return `{"batch":[${line.first},${line.events},"${formatBase64(line.digest)}"]}`
    case "hashes":
      return `{"hashes":"${formatBase64(line.hashes)}"}`
    case "end":
      return `{"end":{"lines":${line.lines},"sha256":"${line.sha256}"}}`
  }
}

const string = '"(?:[^"\\\\]|\\\\.)*"'
const number = "(0|[1-9][0-9]{0,15})"
const base64 = '"([A-Za-z0-9+/]*={0,2})"'
const patterns = {
  head: new RegExp(
    `^\\{"postern":"evidence@v1","origin":(${string}),"kind":"(set|range|stream|fork)","claim":(\\{[^]*\\}),"count":${number}\\}$`,
  ),
  note: new RegExp(`^\\{"note":(${string})\\}$`),
  entry: new RegExp(`^\\{"(leaf|context)":\\[${number},${base64}\\]\\}$`),
  disclosure: new RegExp(`^\\{"disclosure":\\[${number},"([A-Za-z0-9_-]+)"\\]\\}$`),
  batch: new RegExp(`^\\{"batch":\\[${number},${number},${base64}\\]\\}$`),
  hashes: new RegExp(`^\\{"hashes":${base64}\\}$`),
  end: new RegExp(`^\\{"end":\\{"lines":${number},"sha256":"([0-9a-f]{64})"\\}\\}$`),
  range: new RegExp(`^\\{"first":${number},"count":${number}\\}$`),
  stream: new RegExp(`^\\{"open":${number},"first":${number},"next":${number}\\}$`),
} as const

/** Undefined for anything but a line of docs/spec/evidence.md. `text`: without the line feed. */
export function parseEvidenceLine(text: string): EvidenceLine | undefined {
  if (text.startsWith('{"leaf"') || text.startsWith('{"context"')) return parseEntryLine(text)
  if (text.startsWith('{"hashes"')) return parseHashes(text)
  if (text.startsWith('{"disclosure"')) return parseDisclosureLine(text)
  if (text.startsWith('{"batch"')) return parseBatch(text)
  if (text.startsWith('{"note"')) return parseNoteLine(text)
  if (text.startsWith('{"key"')) return parseKey(text)
  if (text.startsWith('{"end"')) return parseEnd(text)
  return parseHead(text)
}

function parseHead(text: string): EvidenceLine | undefined {
  const [, originText = "", kind, claimText = "", countText = ""] = patterns.head.exec(text) ?? []
  const origin = parseStrictJson(originText)
  const evidence = evidenceKinds.find((one) => one === kind)
  const claim = parseClaim(claimText, evidence)
  const count = parseDecimal(countText)
  if (typeof origin !== "string" || evidence === undefined) return undefined
  if (claim === undefined || count === undefined) return undefined
  return { kind: "head", origin, evidence, claim, count }
}

/** Of a range or a stream, exactly its numbers; of others any JSON object that says each member once. */
function parseClaim(
  text: string,
  kind: EvidenceKind | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (encodeUtf8(text).length > claimBytesMax) return undefined
  if (kind === "range" || kind === "stream") {
    const numbers = patterns[kind].exec(text)?.slice(1) ?? []
    if (numbers.length === 0 || numbers.some((one) => parseDecimal(one) === undefined)) {
      return undefined
    }
  }
  const value = parseStrictJson(text)
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : undefined
}

function parseNoteLine(text: string): EvidenceLine | undefined {
  const note = parseStrictJson(patterns.note.exec(text)?.[1] ?? "")
  return typeof note === "string" ? { kind: "note", note } : undefined
}

function parseKey(text: string): EvidenceLine | undefined {
  const proof = parseKeyProof(text)
  return proof === undefined ? undefined : { kind: "key", proof }
}

function parseEntryLine(text: string): EvidenceLine | undefined {
  const [, kind, indexText = "", leafText] = patterns.entry.exec(text) ?? []
  const index = parseDecimal(indexText)
  const leaf = leafText === undefined ? undefined : parseBase64(leafText)
  if (index === undefined || leaf === undefined) return undefined
  return { kind: kind === "leaf" ? "leaf" : "context", index, leaf }
}

function parseDisclosureLine(text: string): EvidenceLine | undefined {
  const [, afterText = "", piece] = patterns.disclosure.exec(text) ?? []
  const after = parseDecimal(afterText)
  if (after === undefined || piece === undefined) return undefined
  return piece.length > disclosurePieceMax ? undefined : { kind: "disclosure", after, text: piece }
}

function parseBatch(text: string): EvidenceLine | undefined {
  const [, firstText = "", eventsText = "", digestText = ""] = patterns.batch.exec(text) ?? []
  const first = parseDecimal(firstText)
  const events = parseDecimal(eventsText)
  const digest = parseBase64(digestText)
  if (first === undefined || events === undefined || events === 0) return undefined
  if (digest?.length !== hashBytes || !Number.isSafeInteger(first + events)) return undefined
  return { kind: "batch", first, events, digest }
}

function parseHashes(text: string): EvidenceLine | undefined {
  const hashes = parseBase64(patterns.hashes.exec(text)?.[1] ?? "")
  if (hashes === undefined || hashes.length === 0 || hashes.length % hashBytes !== 0) {
    return undefined
  }
  return hashes.length > hashBytes * hashesPerLineMax ? undefined : { kind: "hashes", hashes }
}

function parseEnd(text: string): EvidenceLine | undefined {
  const [, linesText = "", sha256 = ""] = patterns.end.exec(text) ?? []
  const lines = parseDecimal(linesText)
  return lines === undefined ? undefined : { kind: "end", lines, sha256 }
}
