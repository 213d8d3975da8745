import fc from "fast-check"
import { expect, test } from "vitest"
import { readFrames, type SentFrame } from "./frames.ts"

async function framesOf(chunks: readonly string[]): Promise<SentFrame[]> {
  async function* give() {
    yield* chunks
  }
  const frames: SentFrame[] = []
  for await (const frame of readFrames(give())) frames.push(frame)
  return frames
}

const text =
  ': \nid: -1\n\nevent: opening\ndata: {}\n\nid: 7\nevent: entry\ndata: {"a":"\\n"}\n\n: \nid: 9\n\nevent: x\ndata: cut'

test("frames are the same however the stream is cut", async () => {
  const whole = await framesOf([text])
  expect(whole).toEqual([
    { event: "message", id: -1, data: "" },
    { event: "opening", id: undefined, data: "{}" },
    { event: "entry", id: 7, data: '{"a":"\\n"}' },
    { event: "message", id: 9, data: "" },
  ])
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(text.length)), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), text.length]
      const chunks = at.slice(1).map((end, i) => text.slice(at[i], end))
      expect(await framesOf(chunks)).toEqual(whole)
    }),
  )
})

test("ids that are no index are none", async () => {
  for (const id of ["", "x", "1e3", "-2", "1 2", "9".repeat(16)]) {
    expect((await framesOf([`id: ${id}\n\n`]))[0]?.id).toBeUndefined()
  }
})

test("a frame without an end is not kept for ever", async () => {
  const chunk = "x".repeat(1024 * 1024)
  await expect(framesOf(Array.from({ length: 20 }, () => chunk))).rejects.toThrow("without an end")
})
