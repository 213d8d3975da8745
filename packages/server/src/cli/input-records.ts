import type { Readable } from "node:stream"
import { PosternError } from "@postern/log/base"

/** Of one record, or of a document as a whole. */
const bytesMax = 268_435_456
const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * Lines as the bytes that they are, without their ends (LF or CRLF) and without the empty ones.
 * Errors: EVENT_TOO_LARGE, which names the line.
 */
export async function* readRecords(input: Readable): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let heldBytes = 0
  let number = 0
  for await (const piece of input) {
    const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece))
    let at = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, at)) {
      const part = chunk.subarray(at, end)
      const line = withoutReturn(held.length === 0 ? part : Buffer.concat([...held, part]))
      held = []
      heldBytes = 0
      number += 1
      if (line.length > 0) yield line
      at = end + 1
    }
    if (at === chunk.length) continue
    // Copied: the stream may use its memory again.
    held.push(Buffer.from(chunk.subarray(at)))
    heldBytes += chunk.length - at
    if (heldBytes > bytesMax) throw new PosternError("EVENT_TOO_LARGE", `line ${number + 1}`)
  }
  if (heldBytes > 0) yield withoutReturn(Buffer.concat(held))
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line
}

/** The lines as one text again. Errors: EVENT_TOO_LARGE. */
export async function gatherDocument(
  first: readonly Buffer[],
  rest: AsyncIterable<Buffer>,
): Promise<{ lines: Buffer[]; document: Buffer }> {
  const lines = [...first]
  let bytes = 0
  for await (const line of rest) {
    lines.push(line)
    bytes += line.length + 1
    if (bytes > bytesMax) throw new PosternError("EVENT_TOO_LARGE", "the document as a whole")
  }
  const lineEnd = Buffer.from("\n")
  return { lines, document: Buffer.concat(lines.flatMap((line) => [line, lineEnd]).slice(0, -1)) }
}
