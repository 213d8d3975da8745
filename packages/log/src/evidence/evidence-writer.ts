import {
  assert,
  concatBytes,
  encodeUtf8,
  formatBase64Url,
  formatHex,
  startSha256,
} from "../base/index.ts"
import { hashBytes } from "../tlog/index.ts"
import {
  type BatchLine,
  claimBytesMax,
  disclosurePieceMax,
  type EvidenceHead,
  type EvidenceLine,
  formatEvidenceLine,
  hashesPerLineMax,
} from "./evidence-line.ts"
import type { KeyProof } from "./key-proof.ts"

/**
 * Writes the lines of an evidence file in the order in which they are asked for, and the end line
 * that holds them together. What it is told is not checked; `checkEvidence` does that.
 */
export class EvidenceWriter {
  readonly #write: (line: Uint8Array) => Promise<void> | void
  readonly #hash = startSha256()
  #lines = 0

  /** @param write takes a line with its line feed; awaited, so that it can say when there is room */
  constructor(write: (line: Uint8Array) => Promise<void> | void) {
    this.#write = write
  }

  async head(head: EvidenceHead): Promise<void> {
    const claimBytes = encodeUtf8(JSON.stringify(head.claim)).length
    assert(
      this.#lines === 0 && claimBytes <= claimBytesMax,
      "a head comes first, its claim is short",
    )
    await this.#put({ kind: "head", ...head })
  }

  async note(note: string): Promise<void> {
    await this.#put({ kind: "note", note })
  }

  /** A change of the log key up to the one that signed the note; oldest first. */
  async key(proof: KeyProof): Promise<void> {
    await this.#put({ kind: "key", proof })
  }

  async leaf(index: number, leaf: Uint8Array): Promise<void> {
    await this.#put({ kind: "leaf", index, leaf })
  }

  /** A disclosure, its JSON bytes, of the leaf that was written before. */
  async disclosure(json: Uint8Array): Promise<void> {
    const text = formatBase64Url(json)
    let after = Math.ceil(text.length / disclosurePieceMax)
    for (let at = 0; at < text.length; at += disclosurePieceMax) {
      after -= 1
      const piece = text.slice(at, at + disclosurePieceMax)
      await this.#put({ kind: "disclosure", after, text: piece })
    }
  }

  /** An entry that is not asked for, but opens a stream that one which is asked for stands in. */
  async context(index: number, leaf: Uint8Array): Promise<void> {
    await this.#put({ kind: "context", index, leaf })
  }

  async batch(batch: BatchLine): Promise<void> {
    await this.#put({ kind: "batch", ...batch })
  }

  /** The whole path, as proveSeveral makes it. */
  async path(path: readonly Uint8Array[]): Promise<void> {
    for (let at = 0; at < path.length; at += hashesPerLineMax) {
      const hashes = concatBytes(...path.slice(at, at + hashesPerLineMax))
      assert(hashes.length % hashBytes === 0, "a path is made of hashes")
      await this.#put({ kind: "hashes", hashes })
    }
  }

  async end(): Promise<void> {
    const sha256 = formatHex(this.#hash.digest())
    await this.#write(
      encodeUtf8(`${formatEvidenceLine({ kind: "end", lines: this.#lines, sha256 })}\n`),
    )
  }

  async #put(line: EvidenceLine): Promise<void> {
    const bytes = encodeUtf8(`${formatEvidenceLine(line)}\n`)
    this.#hash.update(bytes)
    this.#lines += 1
    await this.#write(bytes)
  }
}
