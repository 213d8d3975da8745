import type { Chunks } from "./evidence-reading.ts"
import { demandEvidence, EvidenceFault } from "./finding.ts"

/**
 * Undoes gzip (RFC 1952, one member) if the bytes begin like it, else hands them on; with the
 * platform's DecompressionStream, which Node and browsers share.
 * @param bytesMax unpacked; a small file may claim to be any size
 * @throws EvidenceFault
 */
export async function* unpackEvidence(
  chunks: Chunks,
  bytesMax: number,
): AsyncGenerator<Uint8Array> {
  const source = await begin(chunks)
  if (!source.isPacked) return yield* source.bytes
  let bytes = 0
  for await (const chunk of inflate(source.bytes)) {
    bytes += chunk.length
    demandEvidence(bytes <= bytesMax, "limit", "the file", `over ${bytesMax} bytes unpacked`)
    yield chunk
  }
  // A second member, or anything else behind the first, has not this at its end.
  const fits = source.tail() === bytes % 2 ** 32
  demandEvidence(fits, "gzip", "the file", "it is not one gzip member")
}

interface Source {
  readonly isPacked: boolean
  readonly bytes: AsyncGenerator<Uint8Array>
  /** The last four bytes of what was read, little-endian. */
  tail(): number
}

/** Reads far enough to see what it is. */
async function begin(chunks: Chunks): Promise<Source> {
  const all = iterate(chunks)
  const first: Uint8Array[] = []
  const magic: number[] = []
  while (magic.length < 2) {
    const { value, done } = await all.next()
    if (done) break
    first.push(value)
    magic.push(...value.subarray(0, 2))
  }
  let tail: number[] = []
  async function* bytes() {
    for (const chunk of first) yield note(chunk)
    for await (const chunk of all) yield note(chunk)
  }
  const note = (chunk: Uint8Array) => {
    tail = [...tail, ...chunk.subarray(-4)].slice(-4)
    return chunk
  }
  return {
    isPacked: magic[0] === 0x1f && magic[1] === 0x8b,
    bytes: bytes(),
    tail: () => tail.reduceRight((sum, byte) => sum * 256 + byte, 0),
  }
}

async function* iterate(chunks: Chunks): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function* inflate(bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unpacker = new DecompressionStream("gzip")
  const feeding = feed(bytes, unpacker.writable.getWriter())
  const reader = unpacker.readable.getReader()
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        // What the source itself throws is not the file's fault and comes out of `feeding`.
        if (error instanceof SourceFailure) throw error.cause
        throw new EvidenceFault("gzip", "the file", "it is not gzip as RFC 1952 has it")
      })
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
    await feeding
  }
}

class SourceFailure extends Error {}

/** Never rejects: what goes wrong comes out where the unpacked bytes are read. */
async function feed(
  bytes: AsyncGenerator<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  try {
    for (;;) {
      const next = await bytes.next().catch((cause: unknown) => {
        throw new SourceFailure("reading failed", { cause })
      })
      if (next.done) break
      await writer.write(next.value as Uint8Array<ArrayBuffer>)
    }
    await writer.close()
  } catch (error) {
    await writer.abort(error).catch(() => undefined)
  }
}
