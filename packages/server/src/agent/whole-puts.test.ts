import { PosternError } from "@postern/log/base"
import { expect, it } from "vitest"
import { MemorySpool } from "./memory-spool.test.support.ts"
import { type RoomyWayOut, WholePuts } from "./whole-puts.ts"

class RoomySpool extends MemorySpool implements RoomyWayOut {
  freeBytes = 1_000_000
  dropped = 0
  failure: PosternError | undefined

  override spooled(): Promise<void> {
    return this.failure === undefined ? super.spooled() : Promise.reject(this.failure)
  }
}

const events = (count: number, bytes = 10): Uint8Array[] => {
  return Array.from({ length: count }, () => new Uint8Array(bytes))
}

it("says what stands twice if the disk fails in the middle", async () => {
  const spool = new RoomySpool()
  const puts = new WholePuts(spool)
  spool.room = 3
  await expect(puts.put(events(5))).rejects.toThrow("the first 3 of 5 events were taken")
  await expect(puts.put(events(5))).rejects.toThrow("nothing of it was taken")
  expect(spool.items).toHaveLength(3)
})

it("does not call kept what may not be on stable storage", async () => {
  const spool = new RoomySpool()
  spool.failure = new PosternError("SPOOL_DAMAGED")
  const { stored } = await new WholePuts(spool).put(events(2))
  await expect(stored()).rejects.toMatchObject({
    code: "SPOOL_FULL",
    message: expect.stringContaining("sent again, it may stand twice"),
  })
})

it("counts what it let in and has not put yet", async () => {
  const spool = new RoomySpool()
  const puts = new WholePuts(spool)
  const answers = await Promise.allSettled([1, 2].map(() => puts.put(events(60, 10_000))))
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected"])
  expect(spool.items).toHaveLength(60)
})
