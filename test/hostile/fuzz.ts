import { connect } from "node:tls"
import { encodeBatchFrame, streamDigestStart } from "@postern/log/wire"
import type { Decisions } from "../crash/decisions.ts"
import { eventText } from "../support/events.ts"
import { helloFrame, newStreamId, openFrame } from "../support/framed-client.ts"
import { httpPost } from "./http-text.ts"
import { type Ground, wordlessEnd } from "./row.ts"
import { rawFrame } from "./rows-frames.ts"

/** Everything a good writer says on a short connection: frames, or a request. */
function valid(decisions: Decisions): { protocol: string; bytes: Buffer } {
  const events = Array.from({ length: decisions.between(1, 5) }, () => eventText())
  if (decisions.chance(0.4)) {
    const body = Buffer.from(decisions.chance(0.5) ? `[${events}]` : events.join("\n"))
    const type = decisions.pick(["application/json", "application/x-ndjson"])
    return { protocol: "http/1.1", bytes: httpPost(body, { "content-type": type }) }
  }
  const stream = newStreamId()
  const previous = streamDigestStart(stream)
  const batch = { channel: 0, sequence: 0, previous, events: events.map(Buffer.from) }
  const frames = [helloFrame(), openFrame(0, stream), encodeBatchFrame(batch)]
  if (decisions.chance(0.5)) frames.push(rawFrame(decisions.between(0, 20), decisions.bytes(20)))
  return { protocol: "postern/1", bytes: Buffer.concat(frames) }
}

/** A few bytes changed, left out, put in, moved, or the rest cut off. */
function mutate(bytes: Buffer, decisions: Decisions): Buffer {
  let changed = Buffer.from(bytes)
  for (let left = decisions.between(1, 6); left > 0; left--) {
    const at = decisions.between(0, changed.length)
    const to = Math.min(changed.length, at + decisions.between(1, 40))
    const before = changed.subarray(0, at)
    const after = changed.subarray(to)
    const between = decisions.pick([
      () => Buffer.alloc(0),
      () => decisions.bytes(to - at),
      () => decisions.bytes(decisions.between(1, 200)),
      () => Buffer.alloc(to - at, decisions.pick([0, 255, 34, 123])),
      () => Buffer.concat([changed.subarray(at, to), changed.subarray(at, to)]),
    ])()
    const rest = decisions.chance(0.05) ? Buffer.alloc(0) : after
    changed = Buffer.concat([before, between, rest])
    if (changed.length === 0) return changed
  }
  return changed
}

/** Sends mutations for `ms`, `lanes` at a time; returns how many. Each connection must come to its end. */
export async function fuzz(ground: Ground, decisions: Decisions, ms: number): Promise<number> {
  const lanes = 4
  const end = performance.now() + ms
  let sent = 0
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      const { protocol, bytes } = valid(decisions)
      await throwAt(ground, sent, protocol, mutate(bytes, decisions))
      sent += 1
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return sent
}

/** From many addresses: one of them may begin only so many handshakes a second. */
async function throwAt(
  ground: Ground,
  number: number,
  protocol: string,
  bytes: Buffer,
): Promise<void> {
  const { call, ca, writer } = ground
  const { certificate: cert, key } = writer
  const from = call.localAddress && { localAddress: `127.2.0.${(number % 250) + 1}` }
  const socket = connect({ ...call, ...from, ca, cert, key, ALPNProtocols: [protocol] })
  socket.on("error", () => undefined) // Its close follows and is what counts.
  socket.end(bytes)
  try {
    await wordlessEnd(socket)
  } finally {
    socket.destroy()
  }
}
