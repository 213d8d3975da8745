import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { afterEach, beforeEach, expect, it } from "vitest"
import { openSealedRoom, type SealedRoom } from "./sealed-room.ts"

let root: string
let room: SealedRoom
const open = () =>
  openSealedRoom(
    { sealed: join(root, "disclosures"), keys: join(root, "sealing") },
    { now: () => new Date("2026-11-23T12:00:00Z") },
  )
const of = (item = "item") =>
  ["writer", encodeUtf8(item), "email", encodeUtf8('"a@example.com"'), 7] as const

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "postern-salts-"))
  for (const name of ["disclosures", "sealing"]) mkdirSync(join(root, name))
  room = await open()
})
afterEach(async () => {
  await room.close()
  rmSync(root, { recursive: true })
})

it("the same item gives the same disclosure, over restarts, and another one another", async () => {
  const { digest, json } = room.keepOut("ada", ...of())
  await room.flush()
  await room.close()
  room = await open()
  expect(room.keepOut("ada", ...of())).toEqual({ digest, json })
  expect(room.keepOut("ada", ...of("other")).digest).not.toBe(digest)
  expect(room.keepOut("bob", ...of()).digest).not.toBe(digest)
})

it("no guess of a value can be tested against its digest once the key is destroyed", async () => {
  const { digest } = room.keepOut("ada", ...of())
  const key = await room.keyOf({ subject: "ada" })
  await room.destroy(key === undefined ? [] : [key])
  // All keys that are left on the machine, the whole item and the name give another digest.
  expect(room.keepOut("ada", ...of()).digest).not.toBe(digest)
})
