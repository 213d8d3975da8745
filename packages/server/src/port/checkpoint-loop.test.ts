import { formatBase64, PosternError } from "@postern/log/base"
import { openCheckpoint } from "@postern/log/tlog"
import { describe, expect, test } from "vitest"
import type { Head, LogStore } from "../disk/index.ts"
import { CheckpointLoop } from "./checkpoint-loop.ts"
import { newSigner, origin } from "./commits.test.support.ts"
import { startCounters } from "./counters.ts"
import type { Signer } from "./signer/index.ts"

/** A loop over a log that grows when the test says so, and what it does to the disk, in order. */
async function begin(alreadySigned = -1) {
  const signer = await newSigner()
  const said: { what: string; text: string }[] = []
  const fatal: unknown[] = []
  const faults: unknown[] = []
  const state: { head: Head | undefined; stopsAt: string; isStopped: boolean } = {
    ...{ head: undefined, stopsAt: "", isStopped: false },
  }
  const write = (what: string, text: string): Promise<void> => {
    const fault = faults.shift()
    if (fault !== undefined) return Promise.reject(fault)
    said.push({ what, text })
    state.isStopped ||= what === state.stopsAt
    return Promise.resolve()
  }
  const store = {
    rememberSigned: (signed: object) => write("remember", JSON.stringify(signed)),
    publishCheckpoint: (note: string) => write("publish", note),
  } as unknown as LogStore
  const signed: number[] = []
  const watched = {
    signCheckpoint: (size: number, root: Uint8Array) => {
      signed.push(size)
      state.isStopped ||= state.stopsAt === "sign"
      return signer.signCheckpoint(size, root)
    },
  } as unknown as Signer
  const loop = new CheckpointLoop(
    {
      ...{ store, signer: watched, counters: startCounters(), durableHead: () => state.head },
      fatal: (error) => void fatal.push(error),
      stopped: () => state.isStopped,
    },
    alreadySigned,
  )
  const grow = (size: number): void => {
    const root = new Uint8Array(32).fill(size)
    state.head = { size, root, slot: size, segment: 0, end: 0, time: 0, minimum: 0 }
  }
  const stopAt = (what: string): void => {
    state.stopsAt = what
  }
  return { loop, signer, said, signed, fatal, faults, grow, stopAt }
}

describe("checkpoints", () => {
  test("are remembered before they are signed and published, each size once", async () => {
    const { loop, signer, said, grow } = await begin()
    await loop.publish()
    expect(said).toEqual([])
    grow(5)
    await loop.publish()
    await loop.publish()
    grow(9)
    await Promise.all([loop.publish(), loop.publish()])
    expect(said.map(({ what }) => what)).toEqual(["remember", "publish", "remember", "publish"])
    const root = new Uint8Array(32).fill(5)
    expect(JSON.parse(said[0]?.text ?? "")).toEqual({ size: 5, root: formatBase64(root) })
    const note = said[1]?.text ?? ""
    expect(await openCheckpoint(note, signer.vkey)).toEqual({ origin, size: 5, root })
    expect(loop.published).toBe(9)
  })

  test("are not signed again after a restart, nor a smaller one", async () => {
    const { loop, said, grow } = await begin(7)
    expect(loop.published).toBe(7)
    for (const size of [6, 7]) {
      grow(size)
      await loop.publish()
    }
    expect(said).toEqual([])
    grow(8)
    await loop.publish()
    expect(said).toHaveLength(2)
  })

  test("get other signature lines in their turn, and only the newest does", async () => {
    const { loop, said, grow } = await begin()
    await loop.republish(() => "nothing is published yet")
    expect(said).toEqual([])
    grow(3)
    await loop.publish()
    const note = said[1]?.text
    await loop.republish((published) => `${published}line\n`)
    await loop.republish((published) => published)
    await loop.republish(() => undefined)
    expect(said.slice(2)).toEqual([{ what: "publish", text: `${note}line\n` }])
    grow(4)
    const seen: string[] = []
    const growing = loop.publish()
    await loop.republish((published) => {
      seen.push(published)
      return undefined
    })
    await growing
    expect(seen).toEqual([said.at(-1)?.text])
    expect(seen[0]).toContain("\n4\n")
  })

  test("are published once more before the end", async () => {
    const { loop, said, grow } = await begin()
    loop.start()
    grow(3)
    await loop.stop()
    expect(said.map(({ what }) => what)).toEqual(["remember", "publish"])
  })

  test("wait while the disk is full; nothing is signed that was not remembered", async () => {
    const { loop, said, fatal, faults, grow } = await begin()
    grow(3)
    faults.push(new PosternError("DISK_FULL"))
    await loop.publish()
    expect(said).toEqual([])
    faults.push(undefined, new PosternError("DISK_FULL"))
    await loop.publish()
    expect(said.map(({ what }) => what)).toEqual(["remember"])
    expect(loop.published).toBe(0)
    await loop.publish()
    expect(said.map(({ what }) => what)).toEqual(["remember", "remember", "publish"])
    expect(fatal).toEqual([])
  })

  test.each([
    { heardAt: "remember", signs: [] },
    { heardAt: "sign", signs: [3] },
  ])("are not published once a witness is heard: at $heardAt", async ({ heardAt, signs }) => {
    const { loop, said, signed, grow, stopAt } = await begin()
    stopAt(heardAt)
    grow(3)
    await loop.publish()
    expect([said.map(({ what }) => what), signed]).toEqual([["remember"], signs])
    expect([loop.published, loop.signed]).toEqual([0, 3])
    await loop.stop()
    expect([said.length, signed]).toEqual([1, signs])
  })

  test("that cannot be written for another reason end the process", async () => {
    const { loop, fatal, faults, grow } = await begin()
    grow(3)
    const error = new PosternError("DISK_FAILED", "EIO")
    faults.push(error)
    await loop.publish()
    expect(fatal).toEqual([error])
  })
})
