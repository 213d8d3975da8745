import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openDisclosures } from "./disclosure-store.ts"
import { openSealedRoom, type SealedRoom } from "./sealed-room.ts"

let root: string
let places: { sealed: string; keys: string }
const open: SealedRoom[] = []

const kept = (text: string) => {
  const json = encodeDisclosure("A".repeat(22), "email", encodeUtf8(JSON.stringify(text)))
  return { json, digest: disclosureDigest(json) }
}
const begin = async (size: number): Promise<SealedRoom> => {
  const room = await openSealedRoom(places, { now: () => new Date("2026-11-22T12:00:00Z"), size })
  open.push(room)
  return room
}
const put = (room: SealedRoom, index: number, text: string) =>
  room.put(index, { subject: "ada" }, kept(text).digest, kept(text).json)

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "postern-packs-"))
  places = { sealed: join(root, "data", "disclosures"), keys: join(root, "sealing") }
  mkdirSync(places.sealed, { recursive: true })
  mkdirSync(places.keys)
})
afterEach(async () => {
  for (const room of open.splice(0)) await room.close()
  rmSync(root, { recursive: true })
})

describe("a value of an entry that was placed after a crash", () => {
  // A pack was synced, its slot (entries 100 to 150, values from 130 on) was not: killed in between.
  async function crash() {
    const before = await begin(100)
    put(before, 130, "never placed")
    await before.flush()
  }

  /** The log goes on at 100: this time the first value belongs to 110. */
  async function goOn() {
    const after = await begin(100)
    put(after, 110, "first")
    put(after, 135, "second")
    await after.flush()
  }

  it("is found though the life before had begun a pack at a higher index that was never placed", async () => {
    await crash()
    await goOn()
    const read = openDisclosures(places)
    expect((await read.read(kept("first").digest, 110)).state).toBe("held")
    expect((await read.read(kept("second").digest, 135)).state).toBe("held")
  })

  it("is found by a reader that has seen the pack that is gone", async () => {
    await crash()
    const read = openDisclosures(places)
    expect((await read.read(kept("never placed").digest, 130)).state).toBe("held")
    await goOn()
    expect((await read.read(kept("second").digest, 135)).state).toBe("held")
  })

  it("is found where another pack has the name of the one that is gone", async () => {
    const before = await begin(100)
    for (let index = 130; index < 1_000; index++) put(before, index, `${index} ${"x".repeat(999)}`)
    await before.flush()
    const read = openDisclosures(places)
    const long = (index: number) => kept(`${index} ${"x".repeat(999)}`).digest
    expect((await read.read(long(990), 990)).state).toBe("held")
    const after = await begin(100)
    for (let index = 130; index < 1_000; index++)
      put(after, index, `${index} again ${"y".repeat(index)}`)
    await after.flush()
    const again = kept(`990 again ${"y".repeat(990)}`).digest
    expect((await read.read(again, 990)).state).toBe("held")
  })
})
