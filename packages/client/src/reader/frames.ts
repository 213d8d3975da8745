/** One server-sent event. */
export interface SentFrame {
  readonly event: string
  /** The last index that was examined when it was sent. */
  readonly id: number | undefined
  /** Empty for a frame that only moves the id. */
  readonly data: string
}

/** Far more than the read port sends at once. */
const frameLengthMax = 16 * 1024 * 1024

/**
 * Server-sent events (WHATWG HTML §9.2.6), as far as the read port uses them. Throws an Error for a frame without end; what
 * stands in a frame is not judged here.
 */
export async function* readFrames(chunks: AsyncIterable<string>): AsyncGenerator<SentFrame> {
  let text = ""
  for await (const chunk of chunks) {
    // What was searched before holds no end; but the first half of one may stand at its end.
    let searched = Math.max(0, text.length - 1)
    text += chunk
    let begin = 0
    for (let end = text.indexOf("\n\n", searched); end >= 0; end = text.indexOf("\n\n", begin)) {
      yield parseFrame(text.slice(begin, end))
      begin = end + 2
      searched = begin
    }
    text = text.slice(begin)
    if (text.length > frameLengthMax) throw new Error("a frame of a tail without an end")
  }
}

function parseFrame(text: string): SentFrame {
  let event = "message"
  let id: number | undefined
  let data = ""
  for (const line of text.split("\n")) {
    if (line.startsWith("event: ")) event = line.slice(7)
    else if (/^id: (?:-1|\d{1,15})$/.test(line)) id = Number(line.slice(4))
    else if (line.startsWith("data: ")) data += line.slice(6)
  }
  return { event, id, data }
}
