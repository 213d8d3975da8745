import { sha256 } from "./small-log.ts"

const hashesPerLine = 1024
const charactersPerPiece = 65_536

/** The lines of an evidence file but the last, each without its line feed. */
export interface Draft {
  head: {
    postern: string
    origin: string
    kind: string
    claim: Record<string, unknown>
    count: number
  }
  notes: string[]
  entries: {
    name: "leaf" | "context"
    index: number
    leaf: Uint8Array
    /** Texts of disclosures. */
    disclosures?: readonly string[]
  }[]
  batches: (readonly [number, number, Uint8Array])[]
  path: Uint8Array[]
}

export function linesOf(draft: Draft): string[] {
  const lines = [JSON.stringify(draft.head)]
  for (const note of draft.notes) lines.push(JSON.stringify({ note }))
  for (const { name, index, leaf, disclosures = [] } of draft.entries) {
    lines.push(JSON.stringify({ [name]: [index, Buffer.from(leaf).toString("base64")] }))
    lines.push(...disclosures.flatMap(disclosureLines))
  }
  for (const [first, events, digest] of draft.batches) {
    lines.push(JSON.stringify({ batch: [first, events, Buffer.from(digest).toString("base64")] }))
  }
  for (let at = 0; at < draft.path.length; at += hashesPerLine) {
    const hashes = Buffer.concat(draft.path.slice(at, at + hashesPerLine))
    lines.push(JSON.stringify({ hashes: hashes.toString("base64") }))
  }
  return lines
}

/** A disclosure's text in its pieces, which count down. */
export function disclosureLines(text: string): string[] {
  const count = Math.ceil(text.length / charactersPerPiece)
  return Array.from({ length: count }, (_, i) => {
    const piece = text.slice(i * charactersPerPiece, (i + 1) * charactersPerPiece)
    return JSON.stringify({ disclosure: [count - 1 - i, piece] })
  })
}

/** The file: the lines, and the end line that is right for them. */
export function seal(lines: readonly (string | Uint8Array)[]): Buffer {
  const parts = lines.map((line) => Buffer.concat([Buffer.from(line as string), Buffer.from("\n")]))
  const body = Buffer.concat(parts)
  const end = { end: { lines: lines.length, sha256: sha256(body).toString("hex") } }
  return Buffer.concat([body, Buffer.from(`${JSON.stringify(end)}\n`)])
}
