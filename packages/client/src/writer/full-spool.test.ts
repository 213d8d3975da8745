import { expect, test, vi } from "vitest"
import type { NewFrame } from "./append-plan.ts"
import { EventBuffer } from "./event-buffer.ts"
import { noParts } from "./event-text.ts"
import type { Spool } from "./spool.ts"
import { systemWorld } from "./world.ts"

/** A spool that is full, and whose files take as long to be freed as the test wants. */
class FullSpool {
  end = 0
  freeBytes = 0
  frameBytesMax = 1_000_000
  isRoomComing = false
  drops = 0
  taken = 0
  onRoom = (): void => undefined

  async append(frames: readonly NewFrame[]): Promise<number> {
    if (this.drops === 0 || this.isRoomComing) return 0
    for (const { count } of frames) this.taken += count
    this.end += this.taken
    return frames.length
  }

  dropOldest(): { events: number; end: number } {
    this.drops += 1
    this.isRoomComing = true
    return { events: 100, end: 0 }
  }

  free(): void {
    this.isRoomComing = false
    this.onRoom()
  }

  async recorded(): Promise<void> {
    this.free()
  }
}

function open() {
  const spool = new FullSpool()
  const added = vi.fn()
  const buffer = new EventBuffer(
    spool as unknown as Spool,
    { whenFull: "dropOldest", durable: "process" },
    systemWorld,
    { added, sentEnd: () => 0, lost: () => undefined, failed: () => undefined },
  )
  const event = { text: `{"a":"${"x".repeat(20_000)}"}`, parts: noParts }
  return { spool, buffer, event }
}

test("a full spool gives up one file, and no other while that is being freed", async () => {
  const { spool, buffer, event } = open()
  for (let n = 0; n < 5; n++) {
    buffer.add(event)
    await new Promise((turn) => setImmediate(turn))
    await new Promise((turn) => setImmediate(turn))
  }
  expect([spool.drops, spool.taken]).toEqual([1, 0])
  spool.free()
  await vi.waitFor(() => expect(spool.taken).toBe(5), 10_000)
  expect(spool.drops).toBe(1)
  await buffer.close()
})

test("what waits when it is closed is written once there is room that is on its way", async () => {
  const { spool, buffer, event } = open()
  buffer.add(event)
  await vi.waitFor(() => expect(spool.drops).toBe(1), 10_000)
  await buffer.close()
  expect(spool.taken).toBe(1)
})
