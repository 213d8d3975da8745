/** Keys and packs on a disk that forgets, fills up and fails: what a flush has ended with is there, and a destruction is whole or not at all. */
import { createHash } from "node:crypto"
import { describe, expect, test } from "vitest"
import {
  type KeyId,
  openDisclosures,
  openSealedRoom,
  type SealedRoom,
} from "../../packages/server/dist/disclosures/index.js"
import { Decisions } from "../crash/decisions.ts"
import { type LifeFaults, noFaults } from "./faults.ts"
import { type Life, SimulatedDisk } from "./simulated-disk.ts"

const places = { sealed: "/data/disclosures", keys: "/data/sealing" }
const json = (text: string) => Buffer.from(JSON.stringify(["A".repeat(22), "email", text]))
const digestOf = (text: string) => {
  return createHash("sha256").update(json(text).toString("base64url")).digest("base64url")
}
const open = (files: Life) =>
  openSealedRoom(places, { files, now: () => new Date(0), packBytesMax: 900 })

/** What a test knows of everything that it was told. */
class Known {
  /** Values that a flush has ended with. */
  readonly durable = new Map<string, { index: number; subject: string }>()
  readonly pseudonyms = new Map<string, string>()
  index = 0
  /** Of subjects: asked for, and confirmed. */
  readonly doomed = new Set<string>()
  readonly gone = new Set<string>()

  async write(room: SealedRoom, subjects: readonly string[]): Promise<void> {
    const put = subjects.map((subject) => {
      const text = `${subject} at ${this.index}`
      const pseudonym = room.pseudonymOf(subject)
      const index = this.index++
      room.put(index, { subject }, digestOf(text), json(text))
      return { text, index, subject, pseudonym }
    })
    await room.flush()
    for (const { text, index, subject, pseudonym } of put) {
      this.durable.set(text, { index, subject })
      this.pseudonyms.set(subject, pseudonym)
    }
  }

  async destroy(room: SealedRoom, subject: string): Promise<void> {
    const id = await room.keyOf({ subject })
    if (id === undefined) return
    this.doomed.add(subject)
    await room.destroy([id], { entry: 9 })
    this.gone.add(subject)
  }

  /** Everything that was promised, on the disk as it is now. Says of each doomed subject whether it is gone. */
  async check(files: Life, room: SealedRoom): Promise<void> {
    const source = openDisclosures(places, files)
    const states = new Map<string, Set<string>>()
    for (const [text, { index, subject }] of this.durable) {
      const found = await source.read(digestOf(text), index)
      if (found.state === "held") expect(Buffer.from(found.json)).toEqual(json(text))
      states.set(subject, (states.get(subject) ?? new Set()).add(found.state))
    }
    for (const [subject, seen] of states) {
      const isGone = this.gone.has(subject) || (this.doomed.has(subject) && seen.has("erased"))
      expect([subject, [...seen]]).toEqual([subject, [isGone ? "erased" : "held"]])
      const pseudonym = isGone ? undefined : this.pseudonyms.get(subject)
      expect(room.knownPseudonymOf(subject)).toBe(pseudonym)
      if (isGone) this.gone.add(subject)
    }
    for (const subject of this.gone) this.forget(subject)
    const keys = await files.list(places.keys)
    expect(keys.filter((name) => name.startsWith("personal-"))).toHaveLength(1)
    const sealed = await files.list(places.sealed)
    expect(sealed.toSorted()).toEqual(["packs", "personal.keys"])
  }

  /** Erased for good; a subject of that name is another one. */
  forget(subject: string): void {
    this.pseudonyms.delete(subject)
  }
}

/** A disk on which a room has worked well before. */
async function prepared(seed: number): Promise<{ disk: SimulatedDisk; known: Known }> {
  const disk = new SimulatedDisk(new Decisions(seed))
  const files = disk.begin()
  await files.makeDirectory(places.sealed)
  await files.makeDirectory(places.keys)
  await files.syncDirectory("/data")
  await files.syncDirectory("/")
  const known = new Known()
  const room = await open(files)
  await known.write(room, ["ada", "bob"])
  await known.write(room, ["ada", "eve"])
  disk.kill()
  return { disk, known }
}

/** A life with new and known subjects, and a destruction in its middle. */
async function live(files: Life, known: Known): Promise<void> {
  const room = await open(files)
  await known.write(room, ["ada", "new"])
  const destroyed = known.destroy(room, "ada")
  const written = writeOften(room, known)
  for (const { status, reason } of (await Promise.allSettled([
    written,
    destroyed,
  ])) as PromiseRejectedResult[]) {
    if (status === "rejected") throw reason
  }
  await known.write(room, ["bob", "last"])
}

/** New keys while others are being written anew. */
async function writeOften(room: SealedRoom, known: Known): Promise<void> {
  for (let n = 0; n < 12; n++) await known.write(room, ["bob", `another ${n}`])
}

async function next(disk: SimulatedDisk, known: Known): Promise<void> {
  const files = disk.begin()
  const room = await open(files)
  await known.check(files, room)
  await known.write(room, ["bob", "after"])
  await known.destroy(room, "eve")
  await known.check(files, room)
}

describe.each([
  ["killed", undefined],
  ["without power, which takes what no sync covers", 0],
  ["without power, which takes some of it", 0.5],
])("a room that is %s", (_how, kept) => {
  test("at any operation keeps what it promised, and has destroyed a key or not", async () => {
    const ended = new Set<string>()
    for (let crashAt = 1, how = ""; how !== "ended"; crashAt++) {
      const { disk, known } = await prepared(crashAt)
      const files = disk.begin({ ...noFaults, crashAt })
      how = await Promise.race([live(files, known).then(() => "ended"), files.crashed])
      if (kept === undefined) disk.kill()
      else disk.losePower(kept)
      await next(disk, known)
      ended.add(`${how} ${known.gone.has("ada")}`)
    }
    // Every kind of end was met: before the destruction, after it, and a life that ended well.
    expect([...ended].sort()).toEqual(["crashed false", "crashed true", "ended true"])
  })

  test("at any operation of the start after a crash does so, too", async () => {
    for (let seed = 0; seed < 60; seed++) {
      const { disk, known } = await prepared(seed)
      const first = disk.begin({ ...noFaults, crashAt: 40 + 2 * seed })
      await Promise.race([live(first, known), first.crashed])
      if (kept === undefined) disk.kill()
      else disk.losePower(kept)
      for (let crashAt = 1 + (seed % 3); crashAt < 40; crashAt += 3) {
        const second = disk.begin({ ...noFaults, crashAt })
        await Promise.race([open(second).then(() => "open"), second.crashed])
        if (kept === undefined) disk.kill()
        else disk.losePower(kept)
      }
      await next(disk, known)
    }
  })
})

describe("a disk", () => {
  test("that is full for a while leaves everything pending, and nothing is lost", async () => {
    let refused = 0
    for (let seed = 0; seed < 160; seed++) {
      const { disk, known } = await prepared(seed)
      const files = disk.begin({ ...noFaults, fullFrom: seed, fullTo: seed + 7 })
      const again = async <T>(work: () => Promise<T>): Promise<T> => {
        for (;;) {
          try {
            return await work()
          } catch (error) {
            expect(error).toMatchObject({ code: "DISK_FULL" })
            refused += 1
          }
        }
      }
      const room = await again(() => open(files))
      const wanted = new Known()
      for (const subjects of [["ada", "new"], ["bob"], ["another", "ada"]]) {
        const before = wanted.index
        known.index = Math.max(known.index, before)
        await again(() => known.write(room, subjects))
        wanted.index = known.index
      }
      await again(() => known.destroy(room, "ada"))
      await again(() => room.flush())
      disk.losePower(0)
      await next(disk, known)
    }
    expect(refused).toBeGreaterThan(100)
  })

  test("that fails is fatal, and the next life finds what was promised", async () => {
    const codes = new Set<unknown>()
    for (let errorAt = 1; errorAt < 200; errorAt++) {
      const { disk, known } = await prepared(errorAt)
      const files = disk.begin({ ...noFaults, errorAt } satisfies LifeFaults)
      await live(files, known).catch((error: { code?: unknown }) => codes.add(error.code))
      disk.kill()
      const between = disk.begin()
      const room = await open(between)
      await known.check(between, room)
      await known.write(room, ["new", "another 0", "another 5", "last"])
      // Confirmed, and not there any more, if a page that no sync wrote was believed to be on the medium.
      disk.losePower(0)
      await next(disk, known)
    }
    expect([...codes].sort()).toEqual(["CONFIG_INVALID", "DISK_FAILED"])
  })
})

test("ids of keys outlive a destruction", async () => {
  const { disk, known } = await prepared(1)
  const files = disk.begin()
  const room = await open(files)
  const id = (await room.keyOf({ subject: "ada" })) as KeyId
  await known.destroy(room, "ada")
  const found: number[] = []
  for await (const { index } of room.entriesOf([id])) found.push(index)
  expect(found).toEqual([0, 2])
})
