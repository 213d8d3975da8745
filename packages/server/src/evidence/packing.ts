import { Readable } from "node:stream"
import { createGzip } from "node:zlib"

const gathered = 64 * 1024

/** The lines as one gzip member; they are asked for as fast as somebody reads. A failure of theirs is one of the stream. */
export function packLines(lines: AsyncIterable<Uint8Array>): Readable {
  const source = Readable.from(gather(lines), { objectMode: false, highWaterMark: gathered })
  const packed = createGzip({ level: 6 })
  source.on("error", (error) => packed.destroy(error))
  packed.on("close", () => source.destroy())
  return source.pipe(packed)
}

/** Many lines are short: one write for each would cost more than packing it. */
async function* gather(lines: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  let parts: Uint8Array[] = []
  let bytes = 0
  for await (const line of lines) {
    parts.push(line)
    bytes += line.length
    if (bytes < gathered) continue
    yield Buffer.concat(parts)
    parts = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(parts)
}
