import { isPosternError } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { readSlotFrames, type SlotFrame } from "./frames.ts"
import { frame, session } from "./origin.test.support.ts"

async function framesOf(bytes: Uint8Array, cuts: readonly number[] = []): Promise<SlotFrame[]> {
  async function* give() {
    let at = 0
    for (const cut of [...cuts].sort((a, b) => a - b)) {
      yield bytes.subarray(at, Math.max(at, cut))
      at = Math.max(at, cut)
    }
    yield bytes.subarray(at)
  }
  const frames: SlotFrame[] = []
  // A slot's bytes hold until the next frame.
  for await (const one of readSlotFrames(give())) frames.push(structuredClone(one))
  return frames
}

const counts = { from: 3, slots: 5, size: 9 }
const begin = { postern: "slots@v1", origin: "a/b", session, ...counts }
const json = (value: object) => Buffer.from(JSON.stringify(value))
const head = Buffer.from("000000000000000500000000000000090000000000000001", "hex")
const answer = Buffer.concat([
  frame(1, json(begin)),
  frame(5, head),
  frame(2, Buffer.concat([Buffer.alloc(8), Buffer.from("start")])),
  frame(3, Buffer.alloc(4096, 7)),
  frame(4, Buffer.from("note")),
  frame(6, json({ code: "SHUTTING_DOWN" })),
])
const expected = [
  { kind: "begin", origin: "a/b", session, ...counts },
  { kind: "head", slots: 5, size: 9, time: 1 },
  { kind: "segment", first: 0, start: "start" },
  { kind: "slot", bytes: new Uint8Array(Buffer.alloc(4096, 7)) },
  { kind: "checkpoint", note: "note" },
  { kind: "end", problem: { code: "SHUTTING_DOWN" } },
]
const plain = (frames: readonly SlotFrame[]) =>
  frames.map((one) => (one.kind === "slot" ? { ...one, bytes: new Uint8Array(one.bytes) } : one))

describe("frames", () => {
  test("are the same however the answer is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(answer.length), { maxLength: 12 }), async (cuts) => {
        expect(plain(await framesOf(answer, cuts))).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  test("of an answer that breaks off are those that came whole", async () => {
    for (let length = 0; length < answer.length; length += 13) {
      const frames = plain(await framesOf(answer.subarray(0, length)))
      expect(frames).toEqual(expected.slice(0, frames.length))
    }
  })

  test.each<[string, Buffer, string]>([
    ["an unknown type", frame(7, Buffer.alloc(0)), "FRAME_TYPE"],
    ["type 0", frame(0, Buffer.alloc(0)), "FRAME_TYPE"],
    ["flags", Buffer.from([0, 0, 0, 2, 5, 1]), "FRAME_TYPE"],
    ["a length of 1", Buffer.from([0, 0, 0, 1, 5, 0]), "FRAME_LENGTH"],
    ["a slot of 4 GiB", Buffer.from([255, 255, 255, 255, 3, 0]), "FRAME_LENGTH"],
    ["a HEAD of 25 bytes", frame(5, Buffer.alloc(25)), "FRAME_LENGTH"],
    ["a HEAD of 23 bytes", frame(5, Buffer.alloc(23)), "FRAME_SYNTAX"],
    ["a HEAD above 2^53", frame(5, Buffer.alloc(24, 255)), "FRAME_SYNTAX"],
    ["a SEGMENT of 7 bytes", frame(2, Buffer.alloc(7)), "FRAME_SYNTAX"],
    ["a CHECKPOINT that is not UTF-8", frame(4, Buffer.from([0xff])), "FRAME_SYNTAX"],
    ["a BEGIN that is no JSON", frame(1, Buffer.from("x")), "FRAME_SYNTAX"],
    ["a BEGIN that is null", frame(1, Buffer.from("null")), "FRAME_SYNTAX"],
    ["a BEGIN of another version", frame(1, json({ ...begin, postern: "x" })), "FRAME_SYNTAX"],
    ["a BEGIN from -1", frame(1, json({ ...begin, from: -1 })), "FRAME_SYNTAX"],
    ["a BEGIN without session", frame(1, json({ ...begin, session: "../" })), "FRAME_SYNTAX"],
  ])("with %s are refused", async (_, bytes, code) => {
    await expect(framesOf(bytes)).rejects.toMatchObject({ code })
  })

  test("of noise end in frames or in a refusal, never in anything else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(6), async (noise, type) => {
        const bytes = Buffer.from(noise)
        if (bytes.length >= 6) bytes.set([0, 0, 0, bytes.length - 4, type, 0])
        const end = await framesOf(bytes).catch((error: unknown) => error)
        expect(Array.isArray(end) || isPosternError(end)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
