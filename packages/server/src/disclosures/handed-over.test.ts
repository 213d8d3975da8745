import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { HandedOver } from "./handed-over.ts"

const kept = (text: string) => {
  const json = encodeDisclosure("A".repeat(22), "data", encodeUtf8(JSON.stringify({ text })))
  return { json, digest: disclosureDigest(json) }
}
const [one, other] = [kept("what nobody may read on the disk"), kept("another")]
const dayMs = 24 * 3600 * 1000

let root: string
let now = 0
const open = () => HandedOver.open(root, () => now)
const files = () => readdir(join(root, "handed-over"))

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "postern-handed-over-"))
  now = 1_764_000_000_000
})
afterEach(() => rm(root, { recursive: true }))

describe("what was handed over", () => {
  test("is there for the writer that did, and for nobody else; on disk nobody can read it", async () => {
    const handed = await open()
    await handed.keep("a", one)
    await handed.keep("a", one)
    expect([handed.holds("a", one.digest), handed.holds("b", one.digest)]).toEqual([true, false])
    expect(await handed.read("a", one.digest)).toEqual(one.json)
    expect(await handed.read("b", one.digest)).toBe(undefined)
    expect(handed.bytesOf("a", one.digest)).toBe(one.json.length)
    expect(await files()).toEqual(["0"])
    expect((await readFile(join(root, "handed-over", "0"))).includes("nobody")).toBe(false)
  })

  test("is gone when it is forgotten, by one writer for itself alone", async () => {
    const handed = await open()
    for (const writer of ["a", "b"]) await handed.keep(writer, one)
    await handed.forget("a", [one.digest, other.digest])
    expect([handed.holds("a", one.digest), handed.holds("b", one.digest)]).toEqual([false, true])
    expect(await files()).toEqual(["1"])
  })

  test("is gone with the process that took it, and before that nobody else can open it", async () => {
    const before = await open()
    await before.keep("a", one)
    const file = await readFile(join(root, "handed-over", "0"))
    const after = await open()
    expect([after.holds("a", one.digest), await files()]).toEqual([false, []])
    await after.keep("a", one)
    await writeFile(join(root, "handed-over", "0"), file)
    expect(await after.read("a", one.digest)).toBe(undefined)
    await rm(join(root, "handed-over", "0"))
    expect(await after.read("a", one.digest)).toBe(undefined)
  })

  test("is forgotten after a day in which no event named it", async () => {
    const handed = await open()
    await handed.keep("a", one)
    now += dayMs - 1
    await handed.keep("a", other)
    expect(handed.holds("a", one.digest)).toBe(true)
    now += 1
    await handed.keep("b", other)
    expect(handed.holds("a", one.digest)).toBe(false)
    expect(await files()).toEqual(["1", "2"])
  })

  test("that finds no place leaves nothing", async () => {
    const handed = await open()
    await rm(join(root, "handed-over"), { recursive: true })
    await expect(handed.keep("a", one)).rejects.toMatchObject({ code: "DISK_FAILED" })
    expect(handed.holds("a", one.digest)).toBe(false)
  })
})
