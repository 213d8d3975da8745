import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { DisclosureStore, openDisclosures } from "./disclosure-store.ts"
import { openKeepOut, saltKeyId } from "./salts.ts"
import { fastDigest } from "./sealed-file.ts"

const salt = "AAAAAAAAAAAAAAAAAAAAAA"
const secretText = "what nobody may read on the disk"
const kept = (text = secretText) => {
  const json = encodeDisclosure(salt, "data", encodeUtf8(JSON.stringify({ text })))
  return { json, digest: disclosureDigest(json) }
}

let root: string
let places: { sealed: string; keys: string }
let made: string[]
let now: Date

const open = () =>
  DisclosureStore.open(
    places,
    ({ id }) => void made.push(id),
    () => now,
  )

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "postern-disclosures-"))
  places = { sealed: join(root, "data", "disclosures"), keys: join(root, "sealing") }
  made = []
  now = new Date("2026-11-22T12:00:00Z")
})
afterEach(() => rm(root, { recursive: true }))

describe("the strongroom", () => {
  it("gives back what it was given, and keeps no byte of it in the clear", async () => {
    const store = await open()
    const one = kept()
    await store.keep([one, kept("another")])
    expect(made).toEqual(["bodies-2026-11"])
    expect(store.holds(one.digest)).toBe(true)
    expect(await openDisclosures(places).read(one.digest)).toEqual({
      state: "held",
      json: one.json,
    })
    const directory = join(places.sealed, "bodies-2026-11")
    const names = await readdir(directory)
    expect(names).toHaveLength(2)
    for (const name of names) {
      expect((await readFile(join(directory, name))).includes("nobody may read")).toBe(false)
      expect((await stat(join(directory, name))).mode & 0o027).toBe(0)
    }
  })

  it("keeps a value once, also over a restart, and finds it after one", async () => {
    const one = kept()
    await (await open()).keep([one, one])
    const again = await open()
    expect(again.holds(one.digest)).toBe(true)
    await again.keep([one])
    expect(await readdir(join(places.sealed, "bodies-2026-11"))).toHaveLength(1)
    expect(made).toEqual(["bodies-2026-11"])
  })

  it("has a key for each month", async () => {
    const store = await open()
    await store.keep([kept("november")])
    now = new Date("2026-12-01T00:00:00Z")
    await store.keep([kept("december")])
    expect(made).toEqual(["bodies-2026-11", "bodies-2026-12"])
    for (const text of ["november", "december"]) {
      expect((await openDisclosures(places).read(kept(text).digest)).state).toBe("held")
    }
  })

  it("never makes a key a second time: what its holder destroyed stays closed", async () => {
    const store = await open()
    await store.keep([kept("old")])
    await rm(join(places.keys, "bodies-2026-11.key"))
    expect(await openDisclosures(places).read(kept("old").digest)).toEqual({ state: "locked" })
    await store.keep([kept("new")])
    expect(made).toEqual(["bodies-2026-11", "bodies-2026-11-2"])
    expect(await openDisclosures(places).read(kept("old").digest)).toEqual({ state: "locked" })
    expect((await openDisclosures(places).read(kept("new").digest)).state).toBe("held")
  })

  it("says of what it has not whether it is missing or damaged", async () => {
    const store = await open()
    const [one, two] = [kept(), kept("two")]
    await store.keep([one, two])
    const directory = join(places.sealed, "bodies-2026-11")
    const path = ({ digest }: { digest: string }) =>
      join(directory, Buffer.from(digest, "base64url").toString("hex"))
    const good = await readFile(path(one))
    const source = openDisclosures(places)
    for (let at = 0; at < good.length; at += 7) {
      const bad = Buffer.from(good)
      bad[at] = (bad[at] ?? 0) ^ 1
      await writeFile(path(one), bad)
      expect(await source.read(one.digest)).toEqual({ state: "damaged" })
    }
    for (const bad of [Buffer.alloc(0), good.subarray(0, 90), Buffer.concat([good, good])]) {
      await writeFile(path(one), bad)
      expect(await source.read(one.digest)).toEqual({ state: "damaged" })
    }
    // A good file of another value.
    await writeFile(path(one), await readFile(path(two)))
    expect(await source.read(one.digest)).toEqual({ state: "damaged" })
    await rm(path(one))
    expect(await source.read(one.digest)).toEqual({ state: "missing" })
    for (const odd of ["", "../../sealing/salt", "x".repeat(43), "é".repeat(43)]) {
      expect(await source.read(odd)).toEqual({ state: "missing" })
    }
  })

  it("refuses a key file that is none", async () => {
    const store = await open()
    await store.keep([kept()])
    await writeFile(join(places.keys, "bodies-2026-11.key"), "short\n")
    const invalid = expect.objectContaining({ code: "CONFIG_INVALID" })
    await expect(store.keep([kept("more")])).rejects.toThrow(invalid)
    await expect(openDisclosures(places).read(kept().digest)).rejects.toThrow(invalid)
  })

  it("has a fast digest that is the digest", () => {
    for (const size of [0, 1, 2, 3, 1000, 100_001]) {
      const json = encodeDisclosure(salt, "data", new Uint8Array(size).fill(0x61))
      expect(fastDigest(json)).toBe(disclosureDigest(json))
    }
  })

  it("salts an item by itself: the same again, another for another writer, name, item or key", () => {
    const take = (key: number, writer: string, item: string, name: string) =>
      openKeepOut({ current: new Uint8Array(32).fill(key), previous: undefined }, () => false)(
        writer,
        encodeUtf8(item),
        name,
        encodeUtf8("1"),
      ).digest
    const first = take(1, "w", "item", "data")
    expect(take(1, "w", "item", "data")).toBe(first)
    const others = [
      take(2, "w", "item", "data"),
      take(1, "v", "item", "data"),
      take(1, "w", "itex", "data"),
      take(1, "w", "item", "request"),
    ]
    expect(new Set([first, ...others]).size).toBe(5)
  })
})

describe("another salt key", () => {
  const [old, current] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const item = [encodeUtf8("item"), "data", encodeUtf8(`"${"x".repeat(40)}"`)] as const

  it("leaves a repeat of what is kept as it was, and salts everything else anew", async () => {
    const store = await open()
    const before = openKeepOut({ current: old, previous: undefined }, (one) => store.holds(one))
    const first = before("w", ...item)
    await store.keep([first])
    const after = openKeepOut({ current, previous: old }, (one) => store.holds(one))
    expect(after("w", ...item)).toEqual(first)
    const other = after("another", ...item)
    expect(other.digest).not.toBe(before("another", ...item).digest)
    const two = openKeepOut({ current: old, previous: current }, () => false)
    expect(two("w", ...item)).toEqual(first)
    expect(after("another", ...item)).toEqual(other)
  })

  it("has a name that is not its own bytes", () => {
    expect(saltKeyId(old)).toMatch(/^[0-9a-f]{16}$/)
    expect(saltKeyId(old)).not.toBe(saltKeyId(current))
    expect(Buffer.from(old).toString("hex")).not.toContain(saltKeyId(old))
  })
})

describe("what a killed port left half-written", () => {
  it("is removed at the next start, and nothing else", async () => {
    const one = kept()
    await (await open()).keep([one])
    const directory = join(places.sealed, "bodies-2026-11")
    const [name = ""] = await readdir(directory)
    await writeFile(join(directory, `${"ab".repeat(32)}.new`), "half")
    await writeFile(join(directory, "somebody else's.new"), "x")
    await open()
    expect((await readdir(directory)).toSorted()).toEqual([name, "somebody else's.new"].toSorted())
  })
})
