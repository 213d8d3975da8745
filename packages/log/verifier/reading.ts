import { formatHex, startSha256 } from "@postern/log/base"

export interface Reading {
  readonly chunks: AsyncGenerator<Uint8Array>
  /** SHA-256, hex, of the bytes as they stand in the file; undefined unless all of them were read. */
  digest(): string | undefined
}

/** The page stays alive: after so long, it gets its turn. */
const turnMs = 40

/**
 * The bytes of a file in parts, with a pause for the page between them.
 * @param onProgress how many bytes were read; called before each pause
 * @param signal throws its reason out of `chunks` once it is aborted
 */
export function readFile(
  file: Blob,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Reading {
  const hash = startSha256()
  let bytes = 0
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let turn = performance.now()
    for (let at = 0; at < file.size; at += partBytes) {
      signal.throwIfAborted()
      const part = new Uint8Array(await file.slice(at, at + partBytes).arrayBuffer())
      hash.update(part)
      bytes += part.length
      yield part
      if (performance.now() - turn < turnMs) continue
      onProgress(bytes)
      await new Promise((resolve) => setTimeout(resolve))
      turn = performance.now()
    }
  }
  const digest = () => (bytes === file.size ? formatHex(hash.digest()) : undefined)
  return { chunks: chunks(), digest }
}

const partBytes = 262_144
