import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openDisclosures } from "./disclosure-store.ts"
import { decodeRecord, headerBytes, recordBytes } from "./key-record.ts"
import { openSealedRoom, type SealedRoom } from "./sealed-room.ts"
import { WrappingKey } from "./wrapping-key.ts"

let root: string
let places: { sealed: string; keys: string }
let now: Date
let room: SealedRoom
/** Rooms that a killed process would have left. */
let left: SealedRoom[]

const kept = (text: string) => {
  const json = encodeDisclosure("A".repeat(22), "email", encodeUtf8(JSON.stringify(text)))
  return { json, digest: disclosureDigest(json) }
}

async function open(packBytesMax?: number): Promise<SealedRoom> {
  const opened = await openSealedRoom(places, {
    now: () => now,
    ...(packBytesMax !== undefined && { packBytesMax }),
  })
  left.push(opened)
  return opened
}

const read = (text: string, index: number) => openDisclosures(places).read(kept(text).digest, index)
const packs = () => readdirSync(join(places.sealed, "packs")).sort()
const keyFile = () => join(places.sealed, "personal.keys")
const put = (index: number, subject: string, text: string) =>
  room.put(index, { subject }, kept(text).digest, kept(text).json)

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "postern-sealed-room-"))
  places = { sealed: join(root, "data", "disclosures"), keys: join(root, "sealing") }
  mkdirSync(places.sealed, { recursive: true })
  mkdirSync(places.keys)
  now = new Date("2026-11-22T12:00:00Z")
  left = []
  room = await open()
})
afterEach(async () => {
  for (const one of left) await one.close()
  rmSync(root, { recursive: true })
})

describe("a value of a person", () => {
  it("is there for whoever knows its entry, and nowhere in the clear, nor is the person", async () => {
    expect(room.pending).toBe(false)
    put(7, "ada@example.com", "ada's value")
    put(7, "bob@example.com", "bob's value")
    put(9, "ada@example.com", "ada's other value")
    expect(room.pending).toBe(true)
    expect(await read("ada's value", 7)).toEqual({ state: "missing" })
    await room.flush()
    expect(room.pending).toBe(false)
    expect(await read("ada's value", 7)).toEqual({ state: "held", json: kept("ada's value").json })
    expect(await read("bob's value", 7)).toMatchObject({ state: "held" })
    expect(await read("ada's other value", 9)).toMatchObject({ state: "held" })
    expect(await read("ada's value", 8)).toEqual({ state: "missing" })
    expect(await read("ada's value", 10)).toEqual({ state: "missing" })
    expect(await openDisclosures(places).read(kept("ada's value").digest)).toEqual({
      state: "missing",
    })
    for (const text of ["example.com", "'s value"]) expect(filesWith(Buffer.from(text))).toEqual([])
  })

  it("is there after a restart, and what comes then goes into another pack", async () => {
    put(1, "ada", "one")
    await room.flush()
    room = await open()
    put(1, "ada", "one again")
    put(2, "ada", "two")
    await room.flush()
    expect(packs()).toEqual(["0000000000000001-2.pack", "0000000000000001.pack"])
    expect(await read("two", 2)).toMatchObject({ state: "held" })
    expect(await read("one again", 1)).toMatchObject({ state: "held" })
  })

  it("is found in whatever pack it is, and wherever in it", async () => {
    room = await open(200_000)
    for (let index = 0; index < 3000; index++) {
      put(2 * index, `subject ${index % 7}`, `value ${index} ${"x".repeat(index % 300)}`)
      put(2 * index, "somebody", `besides ${index}`)
      if (index % 100 === 99) await room.flush()
    }
    expect(packs().length).toBeGreaterThan(3)
    const source = openDisclosures(places)
    for (const index of [2999, 0, 1, 1500, 1499, 2998, 700, 701, 2, 2500]) {
      for (const text of [`value ${index} ${"x".repeat(index % 300)}`, `besides ${index}`]) {
        const { digest, json } = kept(text)
        expect(await source.read(digest, 2 * index)).toEqual({ state: "held", json })
        expect(await source.read(digest, 2 * index + 1)).toEqual({ state: "missing" })
      }
    }
  })

  it("is found where entries were given up and their indexes given out anew", async () => {
    put(5, "ada", "first plan")
    put(8, "ada", "second plan")
    put(6, "ada", "what became of it")
    put(8, "ada", "and this")
    await room.flush()
    expect(packs()).toHaveLength(2)
    for (const [text, index] of [
      ["first plan", 5],
      ["what became of it", 6],
      ["and this", 8],
    ] as const) {
      expect(await read(text, index)).toMatchObject({ state: "held" })
    }
  })

  it("does not open in another place than its own", async () => {
    put(1, "ada", "one")
    put(2, "bob", "two")
    await room.flush()
    const pack = join(places.sealed, "packs", "0000000000000001.pack")
    const good = readFileSync(pack)
    for (let at = 0; at < good.length; at += 3) {
      const bad = Buffer.from(good)
      bad[at] = (bad[at] ?? 0) ^ 4
      writeFileSync(pack, bad)
      const states = [await read("one", 1), await read("two", 2)].map(({ state }) => state)
      expect(states).toContain("damaged")
      expect(states.every((state) => state === "held" || state === "damaged")).toBe(true)
    }
  })

  it("is locked without the key that wraps, and without the wrapped ones", async () => {
    put(1, "ada", "one")
    await room.flush()
    const wrapping = join(places.keys, "personal-1.key")
    for (const path of [wrapping, keyFile()]) {
      const bytes = readFileSync(path)
      rmSync(path)
      expect(await read("one", 1)).toEqual({ state: "locked" })
      writeFileSync(path, bytes)
    }
    expect(await read("one", 1)).toMatchObject({ state: "held" })
    rmSync(wrapping)
    await expect(open()).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    writeFileSync(wrapping, `${Buffer.alloc(32, 7).toString("base64")}\n`)
    await expect(open()).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    expect(readdirSync(places.keys)).toContain("personal-1.key")
  })
})

describe("the key of a name", () => {
  it("is one for each subject, and for each class in each month", async () => {
    const ids = new Set<string>()
    const note = async (name: Parameters<SealedRoom["keyOf"]>[0]) => {
      const id = await room.keyOf(name)
      ids.add(JSON.stringify(id))
      return id
    }
    expect(await room.keyOf({ subject: "ada" })).toBeUndefined()
    for (const subject of ["ada", "bob", "", "class\0read", "é", "x".repeat(70_000)]) {
      put(1, subject, subject.slice(0, 9))
      expect(await note({ subject })).toEqual(await note({ subject }))
    }
    expect(ids.size).toBe(6)
    for (const month of ["2026-11", "2026-12"]) {
      now = new Date(`${month}-05T00:00:00Z`)
      room.put(2, { class: "read" }, kept("c").digest, kept("c").json)
      await note({ class: "read", month })
    }
    expect(ids.size).toBe(8)
    expect(await room.keyOf({ class: "read", month: "2027-01" })).toBeUndefined()
    room = await open()
    for (const subject of ["ada", "é"])
      expect(ids).toContain(JSON.stringify(await room.keyOf({ subject })))
  })

  it("gives a pseudonym that stays over restarts and tells nothing", async () => {
    expect(room.knownPseudonymOf("ada")).toBeUndefined()
    const pseudonym = room.pseudonymOf("ada")
    expect(pseudonym).toMatch(/^p1:[A-Za-z0-9_-]{22}$/)
    expect(room.pseudonymOf("ada")).toBe(pseudonym)
    expect(room.pseudonymOf("bob")).not.toBe(pseudonym)
    await room.flush()
    room = await open()
    expect(room.knownPseudonymOf("ada")).toBe(pseudonym)
    expect(room.pseudonymOf("ada")).toBe(pseudonym)
  })

  it("is not there twice, however many there are", async () => {
    const pseudonyms = Array.from({ length: 10_000 }, (_, n) => room.pseudonymOf(`${n}`))
    await room.flush()
    expect(new Set(pseudonyms).size).toBe(10_000)
    expect(statSync(keyFile()).size).toBe(headerBytes + 10_000 * recordBytes)
    // More than are kept in the clear.
    for (const n of [0, 1, 5000, 9999, 0]) expect(room.pseudonymOf(`${n}`)).toBe(pseudonyms[n])
    room = await open()
    for (const n of [9999, 0, 77]) expect(room.knownPseudonymOf(`${n}`)).toBe(pseudonyms[n])
    expect(room.knownPseudonymOf("10000")).toBeUndefined()
  })

  it("is cut off where a crash tore it, and the others stay", async () => {
    const whole = ["ada", "bob"].map((subject) => room.pseudonymOf(subject))
    await room.flush()
    for (const bytes of [recordBytes - 1, 1, 0]) {
      const end = headerBytes + 2 * recordBytes
      truncateSync(keyFile(), end)
      writeFileSync(keyFile(), Buffer.concat([readFileSync(keyFile()), Buffer.alloc(bytes, 0x5a)]))
      room = await open()
      expect(statSync(keyFile()).size).toBe(end)
      expect(["ada", "bob"].map((subject) => room.knownPseudonymOf(subject))).toEqual(whole)
    }
    room.pseudonymOf("eve")
    await room.flush()
    room = await open()
    expect(room.knownPseudonymOf("eve")).toBeDefined()
  })
})

describe("a key that is destroyed", () => {
  async function twoPeople(): Promise<void> {
    put(1, "ada", "ada's")
    put(1, "bob", "bob's")
    put(2, "ada", "ada's second")
    room.put(3, { class: "read" }, kept("month's").digest, kept("month's").json)
    await room.flush()
  }
  const idOf = async (subject: string) =>
    (await room.keyOf({ subject })) ?? { number: -1, mark: "" }

  it("takes its values with it, everywhere, and nobody else's", async () => {
    await twoPeople()
    const before = room.pseudonymOf("ada")
    const bobs = room.pseudonymOf("bob")
    const secrets = secretsOf(await idOf("ada"))
    const ada = await idOf("ada")
    const seen: number[] = []
    const onProgress = (done: number) => void seen.push(done)
    expect(await room.destroy([ada], { entry: 4711, onProgress })).toEqual([ada])
    expect(seen).toEqual([3])
    for (const [text, index] of [
      ["ada's", 1],
      ["ada's second", 2],
    ] as const) {
      expect(await read(text, index)).toEqual({ state: "erased", entry: 4711 })
    }
    expect(await read("bob's", 1)).toMatchObject({ state: "held" })
    expect(await read("month's", 3)).toMatchObject({ state: "held" })
    for (const secret of secrets) expect(filesWith(secret)).toEqual([])
    expect(readdirSync(places.keys).sort()).toEqual(["lookup.key", "personal-2.key"])
    expect(readdirSync(places.sealed).sort()).toEqual(["packs", "personal.keys"])
    for (const opened of [room, await open()]) {
      expect(opened.knownPseudonymOf("ada")).toBeUndefined()
      expect(opened.knownPseudonymOf("bob")).toBe(bobs)
      expect(opened.pseudonymOf("ada")).not.toBe(before)
    }
  })

  it("is a new one for the same person afterwards, and the old stays gone", async () => {
    await twoPeople()
    const ada = await idOf("ada")
    await room.destroy([ada])
    put(9, "ada", "later")
    await room.flush()
    expect(await read("ada's", 1)).toEqual({ state: "erased" })
    expect(await read("later", 9)).toMatchObject({ state: "held" })
    expect(await room.destroy([ada])).toEqual([])
    expect(await read("later", 9)).toMatchObject({ state: "held" })
    const again = await idOf("ada")
    expect(again).not.toEqual(ada)
    await room.destroy([again, { ...again, mark: "0".repeat(16) }, { number: 99, mark: ada.mark }])
    expect(await read("later", 9)).toEqual({ state: "erased" })
  })

  it("was that of a class in a month: of that one only", async () => {
    await twoPeople()
    now = new Date("2026-12-01T00:00:00Z")
    room.put(10, { class: "read" }, kept("december's").digest, kept("december's").json)
    const november = await room.keyOf({ class: "read", month: "2026-11" })
    await room.destroy(november === undefined ? [] : [november], { entry: 5 })
    await room.flush()
    expect(await read("month's", 3)).toEqual({ state: "erased", entry: 5 })
    expect(await read("december's", 10)).toMatchObject({ state: "held" })
  })

  it("says what it sealed, before and after, also what was not on the disk yet", async () => {
    await twoPeople()
    const ada = await idOf("ada")
    put(4, "ada", "not flushed")
    const all = async () => {
      const found: unknown[] = []
      for await (const one of room.entriesOf([ada])) found.push(one)
      return found
    }
    const wanted = [
      ["ada's", 1],
      ["ada's second", 2],
      ["not flushed", 4],
    ] as const
    const expected = wanted.map(([text, index]) => ({ index, digest: kept(text).digest }))
    expect(await all()).toEqual(expected)
    await room.destroy([ada])
    expect(await all()).toEqual(expected)
  })

  it("is wrapped anew a year after the others were, and none is lost", async () => {
    await twoPeople()
    const known = room.pseudonymOf("ada")
    now = new Date("2027-11-22T11:00:00Z")
    room = await open()
    expect(readdirSync(places.keys).sort()).toEqual(["lookup.key", "personal-1.key"])
    now = new Date("2027-11-22T13:00:00Z")
    for (const _ of [1, 2]) {
      room = await open()
      expect(readdirSync(places.keys).sort()).toEqual(["lookup.key", "personal-2.key"])
      expect(room.knownPseudonymOf("ada")).toBe(known)
      expect(await read("bob's", 1)).toMatchObject({ state: "held" })
    }
  })

  it("may go while others come and go", async () => {
    for (let n = 0; n < 3000; n++) room.pseudonymOf(`${n}`)
    await room.flush()
    const doomed = await Promise.all(["7", "2999", "1024"].map(idOf))
    const destroyed = Promise.all([room.destroy(doomed.slice(0, 1)), room.destroy(doomed.slice(1))])
    const meanwhile = new Map<number, string>()
    for (let n = 3000; n < 3200; n++) {
      meanwhile.set(n, room.pseudonymOf(`${n}`))
      put(n, `${n}`, `value ${n}`)
      if (n % 20 === 0) await room.flush()
    }
    await destroyed
    await room.flush()
    room = await open()
    for (const [n, pseudonym] of meanwhile) {
      expect(room.knownPseudonymOf(`${n}`)).toBe(pseudonym)
      expect(await read(`value ${n}`, n)).toMatchObject({ state: "held" })
    }
    for (const subject of ["7", "2999", "1024"])
      expect(room.knownPseudonymOf(subject)).toBeUndefined()
    expect(readdirSync(places.keys).sort()).toEqual(["lookup.key", "personal-3.key"])
  })

  /** The key in every form in which it ever lay anywhere, what wraps it, and its record. */
  function secretsOf({ number }: { readonly number: number }): Buffer[] {
    const line = readFileSync(join(places.keys, "personal-1.key"), "latin1").trimEnd()
    const wrapping = Buffer.from(line, "base64")
    const at = headerBytes + number * recordBytes
    const bytes = readFileSync(keyFile()).subarray(at, at + recordBytes)
    const held = decodeRecord(bytes, number)?.held
    const wrapped = Buffer.from(held?.wrapped ?? [])
    const key = new WrappingKey(1, wrapping).unwrap(wrapped, bytes) ?? Buffer.alloc(0)
    expect(key).toHaveLength(32)
    const forms = [key, wrapping].flatMap((one) => {
      return [
        one,
        Buffer.from(one.toString("base64").slice(0, 42)),
        Buffer.from(one.toString("hex")),
      ]
    })
    return [...forms, wrapped.subarray(0, 24), Buffer.from(held?.tag ?? [])]
  }
})

/** Every file below either directory in which these bytes stand. */
function filesWith(bytes: Uint8Array): string[] {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" })
  const files = names.map((name) => join(root, name)).filter((path) => statSync(path).isFile())
  return files.filter((path) => readFileSync(path).includes(Buffer.from(bytes)))
}
