import type { Readable } from "node:stream"
import { decodeUtf8, limits, PosternError } from "@postern/log/base"

export interface InputLine {
  /** From 1. */
  readonly number: number
  readonly text: string
}

/** As long as a body may be. */
const lineBytesMax = limits.httpBodyBytesMax
const lineFeed = 0x0a

/**
 * Lines of NDJSON, without the empty ones. Bytes stay what they are: a line that is not strict UTF-8 is an error.
 * Errors: EVENT_UTF8, EVENT_TOO_LARGE; both name the line.
 */
export async function* readLines(input: Readable): AsyncGenerator<InputLine> {
  let number = 0
  let held: Buffer[] = []
  let heldBytes = 0
  const take = (last: Buffer): InputLine | undefined => {
    number += 1
    const bytes = held.length === 0 ? last : Buffer.concat([...held, last])
    held = []
    heldBytes = 0
    const text = decodeUtf8(bytes)
    if (text === undefined) throw new PosternError("EVENT_UTF8", `line ${number}`)
    return text.trim() === "" ? undefined : { number, text }
  }
  for await (const piece of input) {
    const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece))
    let at = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, at)) {
      const line = take(chunk.subarray(at, end))
      if (line !== undefined) yield line
      at = end + 1
    }
    if (at === chunk.length) continue
    // Copied: the stream may use its memory again.
    held.push(Buffer.from(chunk.subarray(at)))
    heldBytes += chunk.length - at
    if (heldBytes > lineBytesMax) throw new PosternError("EVENT_TOO_LARGE", `line ${number + 1}`)
  }
  if (heldBytes > 0) {
    const line = take(Buffer.alloc(0))
    if (line !== undefined) yield line
  }
}
