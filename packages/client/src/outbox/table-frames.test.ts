import { streamDigestStart } from "@postern/log/wire"
import { expect, it } from "vitest"
import { systemWorld } from "../writer/index.ts"
import { TableFrames } from "./table-frames.ts"

const id = "0123456789abcdef0123456789abcdef"
const held = {
  ...{ id, start: 0, previous: undefined, acked: 10, digest: new Uint8Array(32).fill(7) },
  ...{ next: 15, quietMs: 5_000 },
}
const batch = (position: number, events: number) => {
  return { position, events, region: Buffer.alloc(events * 100) }
}

function makeFrames(recorded: unknown[] = []): TableFrames {
  const frames: TableFrames = new TableFrames(held, 100_000, async () => {
    recorded.push(frames.state)
  })
  frames.push(batch(10, 2))
  frames.push(batch(12, 3))
  return frames
}

it("begins where the tables are", () => {
  const frames = makeFrames()
  expect(frames.anchor).toEqual({ position: 10, digest: held.digest })
  expect(frames).toMatchObject({ recoveredEnd: 15, ackedAtMs: 95_000, bytes: 500, events: 5 })
  const fresh = new TableFrames({ ...held, acked: 0, digest: undefined }, 0, async () => undefined)
  expect(fresh.anchor.digest).toEqual(streamDigestStart(id))
})

it("takes no batch that does not follow", () => {
  expect(() => makeFrames().push(batch(16, 1))).toThrow("batches follow each other")
  const empty = new TableFrames(held, 0, async () => undefined)
  expect(() => empty.push(batch(11, 1))).toThrow("batches follow each other")
})

it("gives up the bytes of what is settled, and only that", async () => {
  const frames = makeFrames()
  const [first, second] = [...frames.queue]
  const digest = new Uint8Array(32).fill(9)
  frames.settle(12, digest, 200_000)
  expect(frames).toMatchObject({ bytes: 300, events: 3, ackedAtMs: 200_000 })
  expect(await frames.load(first!)).toBeUndefined()
  expect(await frames.load(second!)).toHaveLength(300)
  expect(frames.state).toEqual({ id, start: 0, previous: undefined, acked: 12, digest })
})

it("records a new stream that begins where the old one is left", async () => {
  const recorded: unknown[] = []
  const frames = makeFrames(recorded)
  for (const frame of frames.queue) frame.digest = new Uint8Array(32)
  await frames.switchStream(systemWorld)
  const { state } = frames
  expect(recorded).toEqual([state])
  expect(state.id).not.toBe(id)
  expect(state).toMatchObject({ start: 10, previous: id, acked: 10 })
  expect(state.digest).toEqual(streamDigestStart(state.id))
  expect([...frames.queue].map(({ digest }) => digest)).toEqual([undefined, undefined])
})
