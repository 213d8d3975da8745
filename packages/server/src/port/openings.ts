import { X509Certificate } from "node:crypto"
import { streamDigestStart } from "@postern/log/wire"
import { type Adapter, formatSerial } from "../access/index.ts"
import type { OwnStream } from "./own-stream.ts"
import type { Stream, StreamTable } from "./sequencer/index.ts"
import type { SessionPeer, WantedStream } from "./session/index.ts"

/** Who opens a stream, through which way in. */
export interface Opener {
  readonly peer: SessionPeer
  readonly adapter: Adapter
  /** Chained by the writer; else made by the port for this adapter. */
  readonly framed: boolean
}

/** Opens a stream: writes its opening entry, in which everything about the sender stands once. There must be room for it. */
export function openStream(
  { own, streams }: { readonly own: Pick<OwnStream, "record">; readonly streams: StreamTable },
  { peer, adapter, framed }: Opener,
  { id, previous }: WantedStream,
  nowMs: number,
): Stream {
  const { id: writer, certificate, from, session } = peer
  const publicKey = framed ? peer.publicKey : undefined
  const life = peer.shown === undefined ? {} : lifeOf(peer.shown)
  let stream: Stream | undefined
  own.record({
    action: "postern.stream.opened",
    outcome: "success",
    targets: [{ type: "writer", id: writer }],
    data: {
      ...{ stream: id, writer, certificate, publicKey, ...life },
      ...{ session, from, adapter, framed, previous },
    },
    placed: (open) => {
      const digest = framed ? streamDigestStart(id) : new Uint8Array(32)
      stream = {
        ...{ id, writer, open, framed, certificate },
        ...{ next: 0, digest, durable: undefined, recent: [], lastUsed: nowMs },
      }
      streams.add(stream)
    },
  })
  if (stream === undefined) throw new Error("invariant broken: an opening entry is placed at once")
  return stream
}

/** How long the certificate is good, so that the log says by itself which one ends when. */
function lifeOf(shown: Uint8Array): Record<"serial" | "notBefore" | "notAfter", string> {
  const { serialNumber, validFromDate, validToDate } = new X509Certificate(shown)
  const serial = formatSerial(serialNumber)
  return { serial, notBefore: validFromDate.toISOString(), notAfter: validToDate.toISOString() }
}
