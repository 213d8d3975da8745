import type { OwnStream } from "./own-stream.ts"
import type { Stream, StreamTable } from "./sequencer/index.ts"

/** Closes framed streams that were last used before this time (milliseconds) and that no session holds; each is an entry. */
export function expireStreams(
  streams: StreamTable,
  own: Pick<OwnStream, "record">,
  before: number,
  held: (stream: Stream) => boolean,
): void {
  for (const stream of streams.values()) {
    if (!stream.framed || stream.lastUsed >= before || held(stream)) continue
    const { id, writer, open, next } = stream
    own.record({
      action: "postern.stream.closed",
      outcome: "success",
      targets: [{ type: "writer", id: writer }],
      data: { stream: id, writer, open, next, reason: "unused for seven days" },
    })
    streams.remove(stream)
  }
}
