import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { concatBytes, formatHex, isPosternError, limits } from "../base/index.ts"
import { encodeFrame, type Frame, type FrameType, frameHeaderBytes, frameTypes } from "./frame.ts"
import { FrameReader } from "./frame-reader.ts"

/** One line for each frame, and one for the error that ended the stream. */
type Lines = string[]
const line = ({ type, body }: Frame): string => `${type} ${formatHex(body)}`

/**
 * What a reader must do, written the simplest way: everything in one piece, one frame after the
 * other.
 */
const oracle = (bytes: Uint8Array): Lines => {
  const lines: Lines = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const small = new Set<number>([frameTypes.ping, frameTypes.pong])
  let at = 0
  for (;;) {
    const have = bytes.length - at
    if (have < 4) return lines
    const length = view.getUint32(at)
    if (length < 2 || length > 1_048_572) return [...lines, "FRAME_LENGTH"]
    if (have < 5) return lines
    const type = bytes[at + 4] ?? 0
    if (type < 1 || type > 22) return [...lines, "FRAME_TYPE"]
    const isBinary = type === frameTypes.batch || type === frameTypes.ack
    const other = type === frameTypes.renew ? 4096 : isBinary ? 2 ** 20 : 65_536
    const most = small.has(type) ? 64 : type === frameTypes.credit ? 8 : other
    if (length - 2 > most) return [...lines, "FRAME_LENGTH"]
    if (have < 6) return lines
    if (bytes[at + 5] !== 0) return [...lines, "FRAME_SYNTAX"]
    if (have < 4 + length) return lines
    lines.push(`${type} ${formatHex(bytes.subarray(at + 6, at + 4 + length))}`)
    at += 4 + length
  }
}

const read = (bytes: Uint8Array, cuts: readonly number[], reader: FrameReader): Lines => {
  const lines: Lines = []
  try {
    for (const [i, at] of [0, ...cuts].entries()) {
      reader.push(bytes.slice(at, cuts[i] ?? bytes.length))
      // Every third push is left lying, so that frames wait across several chunks.
      if (i % 3 !== 2) for (const frame of reader) lines.push(line(frame))
    }
    for (const frame of reader) lines.push(line(frame))
  } catch (error) {
    lines.push(isPosternError(error) ? error.code : String(error))
  }
  return lines
}

const anyType = fc.constantFrom(...Object.values(frameTypes))
const goodFrame = fc
  .tuple(anyType, fc.uint8Array({ maxLength: 8 }))
  .map(([type, body]) => encodeFrame(type, body))
const largeFrame = fc
  .integer({ min: 60_000, max: 140_000 })
  .map((bytes) => encodeFrame(frameTypes.batch, new Uint8Array(bytes).fill(bytes)))
const badFrame = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3, 8, 11, 67, 65_538, 65_539, 1_048_572, 1_048_573, 2 ** 32 - 1),
    fc.nat(16),
    fc.constantFrom(0, 0, 0, 1),
  )
  .map(([length, type, flags]) => {
    const bytes = new Uint8Array(6)
    new DataView(bytes.buffer).setUint32(0, length)
    bytes.set([type, flags], 4)
    return bytes
  })
const anyStream = fc
  .array(fc.oneof({ weight: 12, arbitrary: goodFrame }, badFrame, largeFrame), { maxLength: 8 })
  .map((frames) => concatBytes(...frames))
const cutsOf = (bytes: Uint8Array) =>
  fc
    .array(fc.nat({ max: bytes.length }), { maxLength: 24 })
    .map((cuts) => cuts.toSorted((a, b) => a - b))

const newAssembly = () => new Uint8Array(limits.frameBytesMax)

describe("FrameReader", () => {
  test("gives the frames that a reader of the whole stream gives, however it is cut", () => {
    const cases = anyStream.chain((bytes) => fc.tuple(fc.constant(bytes), cutsOf(bytes)))
    fc.assert(
      fc.property(cases, fc.boolean(), ([bytes, cuts], shared) => {
        const reader = shared ? new FrameReader({ assembly: newAssembly() }) : new FrameReader()
        const wanted = oracle(bytes)
        expect(read(bytes, cuts, reader)).toEqual(wanted)
        const taken = wanted.filter((text) => text.includes(" "))
        const takenBytes = taken.reduce((sum, text) => {
          return sum + frameHeaderBytes + (text.length - text.indexOf(" ") - 1) / 2
        }, 0)
        if (taken.length === wanted.length) {
          expect(reader.pendingBytes).toBe(bytes.length - takenBytes)
        }
      }),
      { numRuns: 200 },
    )
  })

  test("gives the frames of any bytes, byte by byte", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), goodFrame, (noise, frame) => {
        const bytes = concatBytes(frame, noise)
        const everywhere = Array.from({ length: bytes.length }, (_, i) => i)
        expect(read(bytes, everywhere, new FrameReader())).toEqual(oracle(bytes))
      }),
      { numRuns: 500 },
    )
  })

  test("gives a view of the one chunk a frame lies in, else memory of its own", () => {
    const frame = encodeFrame(frameTypes.batch, new Uint8Array(100).fill(1))
    const chunk = concatBytes(frame, frame.subarray(0, 50))
    const reader = new FrameReader()
    reader.push(chunk)
    expect(reader.take()?.body.buffer).toBe(chunk.buffer)
    reader.push(frame.slice(50))
    const spanning = reader.take()?.body ?? new Uint8Array(0)
    expect(spanning.buffer.byteLength).toBe(100)
    reader.push(frame)
    expect(reader.take()?.body.buffer).toBe(frame.buffer)
    expect(reader.take()).toBeUndefined()
  })

  test("keeps bodies apart, unless they share an assembly", () => {
    const halves = (fill: number): [Uint8Array, Uint8Array] => {
      const frame = encodeFrame(frameTypes.batch, new Uint8Array(10).fill(fill))
      return [frame.slice(0, 9), frame.slice(9)]
    }
    const bodiesOf = (reader: FrameReader): number[] => {
      for (const half of [...halves(1), ...halves(2)]) reader.push(half)
      const frames = [...reader]
      return frames.map(({ body }) => body[0] ?? 0)
    }
    expect(bodiesOf(new FrameReader())).toEqual([1, 2])
    expect(bodiesOf(new FrameReader({ assembly: newAssembly() }))).toEqual([2, 2])
  })

  test("does not take room for what a peer only announces", () => {
    const header = encodeFrame(frameTypes.batch, new Uint8Array(1_000_000)).slice(0, 7)
    const readers = Array.from({ length: 200 }, () => new FrameReader())
    const before = process.memoryUsage().arrayBuffers
    for (const reader of readers) {
      reader.push(header)
      expect(reader.take()).toBeUndefined()
      expect(reader.pendingBytes).toBe(7)
    }
    const perReader = (process.memoryUsage().arrayBuffers - before) / readers.length
    expect(perReader).toBeLessThan(100_000)
  })

  test("throws the same error again, and takes nothing that comes behind it", () => {
    const reader = new FrameReader()
    reader.push(Uint8Array.of(0, 0, 0, 0))
    const once = expect.objectContaining({ code: "FRAME_LENGTH" })
    expect(() => reader.take()).toThrow(once)
    reader.push(encodeFrame(frameTypes.ping, new Uint8Array(0)))
    expect(() => reader.take()).toThrow(once)
  })

  test("gives good frames that stand before a bad one", () => {
    const good = encodeFrame(frameTypes.ping, Uint8Array.of(7))
    const reader = new FrameReader()
    reader.push(concatBytes(good, new Uint8Array(4)))
    expect(reader.take()).toEqual({ type: frameTypes.ping, body: Uint8Array.of(7) })
    expect(() => reader.take()).toThrow(expect.objectContaining({ code: "FRAME_LENGTH" }))
  })

  test("takes the largest frame there is, in any chunks", () => {
    const body = new Uint8Array(limits.frameBytesMax - frameHeaderBytes).map((_, i) => i % 251)
    const frame = encodeFrame(frameTypes.batch, body)
    expect(frame.length).toBe(limits.frameBytesMax)
    for (const chunkBytes of [1000, 16_384, 65_536, frame.length]) {
      const reader = new FrameReader({ assembly: newAssembly() })
      let taken: Frame | undefined
      for (let at = 0; at < frame.length; at += chunkBytes) {
        expect(taken).toBeUndefined()
        reader.push(frame.subarray(at, at + chunkBytes))
        taken = reader.take()
      }
      expect(Buffer.compare(taken?.body ?? body.subarray(1), body)).toBe(0)
    }
  })

  test("joins chunks of single bytes, so that they do not cost more than they hold", () => {
    const frame = encodeFrame(frameTypes.batch, new Uint8Array(200_000).fill(3))
    const reader = new FrameReader()
    const before = process.memoryUsage().heapUsed
    for (let at = 0; at < frame.length - 1; at++) reader.push(frame.slice(at, at + 1))
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000)
    reader.push(frame.slice(-1))
    expect(reader.take()?.body.length).toBe(200_000)
  })

  test("ignores empty chunks", () => {
    const reader = new FrameReader()
    reader.push(new Uint8Array(0))
    expect([reader.take(), reader.pendingBytes]).toEqual([undefined, 0])
  })
})

describe("encodeFrame", () => {
  test("refuses bodies that no reader would take", () => {
    const most: [FrameType, number][] = [
      [frameTypes.ping, 64],
      [frameTypes.hello, 65_536],
      [frameTypes.batch, limits.frameBytesMax - frameHeaderBytes],
    ]
    for (const [type, bytes] of most) {
      const frame = encodeFrame(type, new Uint8Array(bytes))
      expect(oracle(frame).length).toBe(1)
      expect(() => encodeFrame(type, new Uint8Array(bytes + 1))).toThrow("invariant broken")
    }
  })
})
