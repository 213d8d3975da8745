import { PosternError } from "@postern/log/base"
import { openReceipt } from "@postern/log/evidence"
import { afterEach, describe, expect, test, vi } from "vitest"
import { decodeSlotHeader, tailOf } from "../disk/slots.test.support.ts"
import { diskFull, newSigner, openCommits, Pending, settle } from "./commits.test.support.ts"

afterEach(() => {
  vi.useRealTimers()
})

describe("values beside the log", () => {
  test("are kept before the slot that names them is written", async () => {
    const { disk, said, heard, owner, put, sealed } = await openCommits()
    const a = owner("a")
    sealed.pending = true
    put(a)
    await disk.asked("writes", 1)
    disk.writes[0]?.pending.resolve()
    await heard(6)
    expect(said.slice(0, 3)).toEqual(["values kept", "room", "durable 0"])
    put(a)
    await disk.asked("writes", 2)
    expect(said.filter((line) => line === "values kept")).toHaveLength(1)
  })

  test("that find no room hold up the slot, and are tried again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] })
    const { disk, said, owner, put, sealed, commits, fatal } = await openCommits()
    sealed.pending = true
    sealed.failures.push(diskFull(), diskFull())
    put(owner("a"))
    for (const times of [1, 2]) {
      while (said.filter((line) => line === "values not kept").length < times) await settle()
      expect(disk.writes).toHaveLength(0)
      expect(commits.diskFullSince).toBe(42)
      await vi.advanceTimersByTimeAsync(500)
    }
    await disk.asked("writes", 1)
    const tries = said.filter((line) => line !== "room")
    expect(tries).toEqual(["values not kept", "values not kept", "values kept"])
    expect(fatal).toEqual([])
  })

  test("that cannot be kept end the port", async () => {
    const { disk, owner, put, sealed, fatal } = await openCommits()
    sealed.pending = true
    sealed.failures.push(new PosternError("DISK_FAILED"))
    put(owner("a"))
    while (fatal.length === 0) await settle()
    expect(fatal).toEqual([expect.objectContaining({ code: "DISK_FAILED" })])
    expect(disk.writes).toHaveLength(0)
  })
})

describe("acknowledged means durable", () => {
  test("nobody hears of a slot before the disk has it, then followers first", async () => {
    const { disk, said, heard, owner, put, commits } = await openCommits()
    const [a, b] = [owner("a"), owner("b")]
    put(a)
    put(b)
    put(a)
    commits.afterDurable(() => said.push("callback"))
    await disk.asked("writes", 1)
    await settle()
    expect(said).toEqual(["room"])
    expect(commits.head).toBeUndefined()
    disk.writes[0]?.pending.resolve()
    await heard(9)
    const told = ["a has 0", "b has 1", "a has 2", "a flushed", "b flushed", "callback"]
    expect(said).toEqual(["room", "durable 0", "head 3", ...told])
    expect(commits.head).toMatchObject({ slot: 0, size: 3 })
  })

  test("nor before the receipt is signed, however long that takes", async () => {
    const signer = await newSigner()
    const signing = new Pending()
    const signReceipt: typeof signer.signReceipt = async (...slot) => {
      await signing.promise
      return signer.signReceipt(...slot)
    }
    const { disk, said, heard, owner, put } = await openCommits({ ...signer, signReceipt })
    const a = owner("a")
    put(a)
    await disk.asked("writes", 1)
    disk.writes[0]?.pending.resolve()
    await settle()
    expect(said).toEqual(["room", "durable 0"])
    signing.resolve()
    await heard(5)
    expect(said.slice(2)).toEqual(["head 1", "a has 0", "a flushed"])
    const note = Buffer.from(a.notes[0]?.note ?? "").toString()
    expect(await openReceipt(note, signer.receiptVkey)).toMatchObject({ first: 0, count: 1 })
  })

  test("everything that comes during a commit goes into the next one, and only one is on its way", async () => {
    const { disk, owner, put, said, heard } = await openCommits()
    const a = owner("a")
    put(a)
    await disk.asked("writes", 1)
    for (let i = 0; i < 7; i++) put(a)
    await settle()
    expect(disk.writes).toHaveLength(1)
    disk.writes[0]?.pending.resolve()
    await disk.asked("writes", 2)
    expect(disk.writes[1]?.plan).toMatchObject({ slot: 1, first: 1, entries: 7 })
    disk.writes[1]?.pending.resolve()
    await heard(15)
    expect(disk.writes).toHaveLength(2)
    expect(said.filter((line) => line === "a flushed")).toHaveLength(2)
  })

  test("a slot without entries has no receipt; the next one stores that of the one before", async () => {
    const signer = await newSigner()
    const { disk, owner, put, heard } = await openCommits(signer)
    const a = owner("a")
    for (const [i, refused] of [[], [0], []].entries()) {
      put(a, refused)
      await disk.asked("writes", i + 1)
      disk.writes.at(-1)?.pending.resolve()
      await heard(5 * (i + 1))
    }
    expect(a.notes.map(({ note }) => note.length > 0)).toEqual([true, false, true])
    const receipts = disk.writes.map(({ plan }) => {
      const { header } = decodeSlotHeader(plan.bytes) ?? {}
      return header === undefined ? undefined : tailOf(plan.bytes, header).subarray(104)
    })
    expect(receipts.map((receipt) => receipt?.length)).toEqual([0, a.notes[0]?.note.length, 0])
    expect(receipts[1]).toEqual(a.notes[0]?.note)
  })

  test("who placed a batch is forgotten when it was told", async () => {
    const { disk, owner, put, heard } = await openCommits()
    const placed = put(owner("a"))
    await disk.asked("writes", 1)
    expect(placed.owner).toBeDefined()
    disk.writes[0]?.pending.resolve()
    await heard(5)
    expect(placed.owner).toBeUndefined()
  })

  test("what a stream calls durable follows its batches", async () => {
    const { disk, streams, owner, put, heard } = await openCommits()
    const digest = new Uint8Array(32)
    const zeros = { open: 0, next: 0, digest, durable: undefined, recent: [], lastUsed: 0 }
    const stream = { id: "0".repeat(32), writer: "w", framed: true, ...zeros }
    streams.add(stream)
    put(owner("a"))
    await disk.asked("writes", 1)
    expect(stream.durable).toBeUndefined()
    disk.writes[0]?.pending.resolve()
    await heard(5)
    expect(stream.durable).toEqual({ next: 1, digest: new Uint8Array(32).fill(6) })
  })
})

describe("afterDurable calls back", () => {
  test("soon, when nothing is waiting", async () => {
    const { commits, said } = await openCommits()
    commits.afterDurable(() => said.push("callback"))
    expect(said).toEqual([])
    await Promise.resolve()
    expect(said).toEqual(["callback"])
  })

  test("after the slot on its way, when nothing else is placed", async () => {
    const { commits, disk, said, heard, owner, put } = await openCommits()
    put(owner("a"))
    await disk.asked("writes", 1)
    commits.afterDurable(() => said.push("callback"))
    await settle()
    expect(said).not.toContain("callback")
    disk.writes[0]?.pending.resolve()
    await heard(6)
    expect(said.at(-1)).toBe("callback")
  })

  test("after the next slot, when something is in it already", async () => {
    const { commits, disk, said, heard, owner, put } = await openCommits()
    put(owner("a"))
    await disk.asked("writes", 1)
    put(owner("b"))
    commits.afterDurable(() => said.push("callback"))
    disk.writes[0]?.pending.resolve()
    await disk.asked("writes", 2)
    await settle()
    expect(said).not.toContain("callback")
    disk.writes[1]?.pending.resolve()
    await heard(11)
    expect(said.slice(-3)).toEqual(["b has 1", "b flushed", "callback"])
  })
})

describe("a full disk", () => {
  test("stops the acks, is tried again with the same bytes, and goes on by itself", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] })
    const { commits, disk, said, fatal, owner, put } = await openCommits()
    put(owner("a"))
    await disk.asked("writes", 1)
    const bytes = disk.writes[0]?.plan.bytes.slice()
    for (let i = 0; i < 3; i++) {
      disk.writes[i]?.pending.reject(diskFull())
      await settle()
      expect(commits.diskFullSince).toBe(42)
      put(owner("b"))
      await vi.advanceTimersByTimeAsync(500)
      await disk.asked("writes", i + 2)
    }
    expect(said).toEqual(["room"])
    expect(disk.writes.at(-1)?.plan.bytes).toEqual(bytes)
    disk.writes.at(-1)?.pending.resolve()
    await disk.asked("writes", 5)
    expect(commits.diskFullSince).toBeUndefined()
    expect(said.slice(0, 5)).toEqual(["room", "durable 0", "head 1", "a has 0", "a flushed"])
    expect(disk.writes[4]?.plan).toMatchObject({ slot: 1, entries: 3 })
    expect(fatal).toEqual([])
  })

  test("at the beginning of a segment is waited for as well", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] })
    const { commits, disk, said, fatal, owner, put } = await openCommits()
    disk.hasRoom = false
    put(owner("a"))
    await disk.asked("rolls", 1)
    disk.rolls[0]?.reject(diskFull())
    await settle()
    expect(commits.diskFullSince).toBe(42)
    put(owner("a"))
    await vi.advanceTimersByTimeAsync(500)
    await disk.asked("rolls", 2)
    disk.rolls[1]?.resolve()
    await disk.asked("writes", 1)
    expect(commits.diskFullSince).toBeUndefined()
    expect(said).toEqual(["rolled", "room"])
    expect(disk.writes[0]?.plan.entries).toBe(2)
    expect(fatal).toEqual([])
  })
})

describe("a disk that failed", () => {
  const failures: [string, Error][] = [
    ["as the disk says", new PosternError("DISK_FAILED", "fdatasync: EIO")],
    ["in a way nobody knows", new Error("unknown")],
  ]
  test.each(failures)(
    "is fatal: nothing is acknowledged or written any more (%s)",
    async (_, error) => {
      const { commits, disk, said, fatal, owner, put } = await openCommits()
      put(owner("a"))
      commits.afterDurable(() => said.push("callback"))
      await disk.asked("writes", 1)
      put(owner("b"))
      disk.writes[0]?.pending.reject(error)
      await settle()
      expect(fatal).toEqual([error])
      put(owner("c"))
      commits.kick()
      await settle()
      expect(disk.writes).toHaveLength(1)
      expect(said).toEqual(["room"])
      expect(commits.head).toBeUndefined()
      await commits.stop()
    },
  )

  test("a signature that cannot be made is fatal, too", async () => {
    const signer = await newSigner()
    const signReceipt = () => Promise.reject(new Error("no key"))
    const { disk, said, fatal, owner, put } = await openCommits({ ...signer, signReceipt })
    put(owner("a"))
    await disk.asked("writes", 1)
    disk.writes[0]?.pending.resolve()
    await settle()
    expect(fatal).toHaveLength(1)
    expect(said).not.toContain("a flushed")
  })
})

test("a stopped loop has finished what was begun and begins nothing more", async () => {
  const { commits, disk, said, owner, put } = await openCommits()
  put(owner("a"))
  const stopped = commits.stop().then(() => said.push("stopped"))
  await disk.asked("writes", 1)
  await settle()
  expect(said).not.toContain("stopped")
  disk.writes[0]?.pending.resolve()
  await stopped
  expect(said.slice(-2)).toEqual(["a flushed", "stopped"])
  put(owner("b"))
  await settle()
  expect(disk.writes).toHaveLength(1)
})
