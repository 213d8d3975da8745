import { assert, limits, PosternError } from "../base/index.ts"
import { frameHeaderBytes } from "./frame.ts"
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "./integers.ts"

/** What the policy made of events of one batch (docs/spec/wire.md, Altered events). */
export interface Altered {
  readonly channel: number
  /** First sequence of the batch. */
  readonly sequence: number
  /** In ascending order of position; a batch may come in several frames. */
  readonly events: readonly AlteredEvent[]
}

export interface AlteredEvent {
  /** In the batch, from 0. */
  readonly position: number
  /** `c` of its stamp: 4 to 7. */
  readonly changed: AlteredChange
  /** As it is kept. */
  readonly event: Uint8Array
}

export type AlteredChange = 4 | 5 | 6 | 7

const headBytes = 2 + 8 + 2
const rowBytes = 4 + 1 + 4
const rowsMax = 0xffff
export const alteredBodyBytesMax = limits.frameBytesMax - frameHeaderBytes

/** Bodies of ALTERED, as many as it takes. */
export function* encodeAltered({ channel, sequence, events }: Altered): Generator<Uint8Array> {
  let from = 0
  while (from < events.length) {
    let bytes = headBytes
    let to = from
    for (; to < events.length && to - from < rowsMax; to++) {
      const more = rowBytes + (events[to]?.event.length ?? 0)
      if (bytes + more > alteredBodyBytesMax) break
      bytes += more
    }
    assert(to > from, "an altered event fits a frame")
    const body = new Uint8Array(bytes)
    writeU16(body, 0, channel)
    writeU64(body, 2, sequence)
    writeU16(body, 10, to - from)
    let at = headBytes
    for (const { position, changed, event } of events.slice(from, to)) {
      writeU32(body, at, position)
      body[at + 4] = changed
      writeU32(body, at + 5, event.length)
      body.set(event, at + rowBytes)
      at += rowBytes + event.length
    }
    yield body
    from = to
  }
}

/** The events are views of the body. Errors: FRAME_SYNTAX for anything that no port would send. */
export function decodeAltered(body: Uint8Array): Altered {
  if (body.length < headBytes) throw refused("it is too short")
  const count = readU16(body, 10)
  if (count === 0) throw refused("it names no event")
  const events: AlteredEvent[] = []
  let at = headBytes
  let before = -1
  for (let i = 0; i < count; i++) {
    if (at + rowBytes > body.length) throw refused("an event is cut off")
    const position = readU32(body, at)
    const changed = body[at + 4] ?? 0
    const end = at + rowBytes + readU32(body, at + 5)
    if (changed < 4 || changed > 7) throw refused(`change ${changed} is none of the policy's`)
    if (position <= before) throw refused("its positions do not ascend")
    if (end > body.length) throw refused("an event is cut off")
    events.push({
      position,
      changed: changed as AlteredChange,
      event: body.subarray(at + rowBytes, end),
    })
    before = position
    at = end
  }
  if (at !== body.length) throw refused("bytes follow the last event")
  return { channel: readU16(body, 0), sequence: readU64(body, 2), events }
}

function refused(what: string): PosternError {
  return new PosternError("FRAME_SYNTAX", `ALTERED: ${what}`)
}
