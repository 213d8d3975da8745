import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type FileSystem, nodeFiles, type OpenFile } from "../disk/index.ts"
import { PackReader } from "./pack-reader.ts"
import { openSealedRoom } from "./sealed-room.ts"

let root: string
let places: { sealed: string; keys: string }
/** The files of the machine, counted for one reader: those of another test's are closed a moment later. */
function countedFiles() {
  const counts = { opened: 0, closed: 0 }
  const files: FileSystem = {
    ...nodeFiles,
    async open(path, opening) {
      const file = await nodeFiles.open(path, opening)
      counts.opened += 1
      const close = (): Promise<void> => {
        counts.closed += 1
        return file.close()
      }
      return new Proxy<OpenFile>(file, {
        get: (of, name) => {
          if (name === "close") return close
          const member: unknown = Reflect.get(of, name, of)
          return typeof member === "function" ? member.bind(of) : member
        },
      })
    },
  }
  return { counts, packs: new PackReader(places.sealed, files) }
}

const kept = (text: string) => {
  const json = encodeDisclosure("A".repeat(22), "email", encodeUtf8(JSON.stringify(text)))
  return { json, digest: disclosureDigest(json) }
}

/** One life of the port, from a log of this size on. */
async function write(size: number, values: readonly (readonly [number, string])[]): Promise<void> {
  const now = () => new Date("2026-11-22T12:00:00Z")
  const room = await openSealedRoom(places, { now, size, packBytesMax: 1_000_000 })
  for (const [index, text] of values) {
    const { digest, json } = kept(text)
    room.put(index, { subject: "ada" }, digest, json)
  }
  await room.flush()
  await room.close()
}

const stateOf = async (packs: PackReader, index: number, text: string) => {
  const found = await packs.find(index, kept(text).digest)
  return typeof found === "string" ? found : found.head.index
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "postern-reader-"))
  places = { sealed: join(root, "disclosures"), keys: join(root, "sealing") }
  mkdirSync(places.sealed)
  mkdirSync(places.keys)
})
afterEach(() => rmSync(root, { recursive: true }))

const many = Array.from({ length: 6_000 }, (_, n) => [n >> 1, `${n}`.repeat(50)] as const)

describe("values of packs", () => {
  test("are found in order with one pack open at a time", async () => {
    await write(0, many)
    const { packs, counts } = countedFiles()
    for (const [index, text] of many) expect(await stateOf(packs, index, text)).toBe(index)
    expect(counts.opened).toBeGreaterThan(1)
    expect(counts.opened).toBeLessThan(10)
    expect(counts.opened - counts.closed).toBe(1)
  })

  test("are found backwards, at random and all at once", async () => {
    await write(0, many)
    const { packs, counts } = countedFiles()
    const some = many.filter((_, n) => n % 37 === 0)
    const shuffled = some.map((one, n) => some[(n * 61) % some.length] ?? one)
    for (const list of [[...some].reverse(), shuffled]) {
      const states = list.map(([index, text]) => stateOf(packs, index, text))
      expect(await Promise.all(states)).toEqual(list.map(([index]) => index))
      // Whoever goes on from a wrong place finds it with a new look at the disk, at its cost.
      if (list !== shuffled) expect(counts.opened).toBeLessThan(10)
    }
    expect(await stateOf(packs, 5, "other")).toBe("missing")
    expect(await stateOf(packs, 5, many[10]?.[1] ?? "")).toBe(5)
    expect(counts.opened - counts.closed).toBe(1)
  })

  test("of a pack that still grows are found behind what was read", async () => {
    const now = () => new Date("2026-11-22T12:00:00Z")
    const room = await openSealedRoom(places, { now })
    const { packs } = countedFiles()
    for (let n = 0; n < 20; n++) {
      const { digest, json } = kept(`value ${n}`)
      room.put(n, { subject: "ada" }, digest, json)
      await room.flush()
      expect(await stateOf(packs, n, `value ${n}`)).toBe(n)
      expect(await stateOf(packs, n + 1, `value ${n + 1}`)).toBe("missing")
    }
    await room.close()
  })

  test("are found in a pack that has the name of one that a start took away", async () => {
    await write(0, [[100, "never placed"]])
    const { packs } = countedFiles()
    expect(await stateOf(packs, 100, "never placed")).toBe(100)
    await write(100, [
      [100, "placed"],
      [101, "next"],
    ])
    expect(await stateOf(packs, 101, "next")).toBe(101)
    expect(await stateOf(packs, 100, "placed")).toBe(100)
    expect(await stateOf(packs, 100, "never placed")).toBe("missing")
  })

  test("leave no file open once nothing is asked for", async () => {
    await write(0, [[0, "one"]])
    const { packs, counts } = countedFiles()
    for (let times = 0; times < 2; times++) {
      expect(await stateOf(packs, 0, "one")).toBe(0)
      await expect.poll(() => counts.opened - counts.closed, { timeout: 10_000 }).toBe(0)
    }
  })
})
