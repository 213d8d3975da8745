import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeSegmentKeys, openSegmentKeys, segmentKeyMaker } from "../disclosures/index.ts"
import { lendSegmentKeys } from "../disk/index.ts"
import { initDirectory } from "../guard/setup/index.ts"
import { writeSoundLog } from "../guard/verify/sound-log.test.support.ts"
import { runHere } from "./live-port.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-verify-encrypted-"))
const copy = join(base, "copy")
let config: string
let vkey: string
let log: string

beforeAll(async () => {
  const made = await initDirectory({ directory: join(base, "audit") })
  const { sealing, file } = made.config
  config = file
  mkdirSync(sealing, { recursive: true })
  const { current } = await makeSegmentKeys(sealing)
  const takeBack = lendSegmentKeys(openSegmentKeys(sealing))
  mkdirSync(made.config.data, { recursive: true })
  const written = await writeSoundLog(made.config.data)
  log = written.path
  await written.compress(segmentKeyMaker(current))
  await written.close()
  takeBack()
  vkey = written.log.vkey
  cpSync(log, copy, { recursive: true })
})
afterAll(() => rmSync(base, { recursive: true }))

// In this order: what was named once, this process keeps.
test("a copy without its keys is not called right, and it is said what is missing", async () => {
  const ran = await runHere(["verify", copy, "--vkey", vkey])
  expect(ran.status).toBe(1)
  expect(ran.stdout).toContain("its key is not here")
  expect(ran.stdout).toContain("--config")
  expect(ran.stdout).toMatch(/^checkpoint +ok/m)
  expect(ran.stdout).not.toMatch(/ fail /)
})

test("a copy is verified with the configuration that has the keys", async () => {
  const ran = await runHere(["verify", copy, "--vkey", vkey, "--config", config])
  expect(ran.stdout).toMatch(/\nverified\n$/)
  expect(ran.status).toBe(0)
})

test("a log in its installation finds them by itself, and misses those that were taken away", async () => {
  expect((await runHere(["verify", log, "--vkey", vkey])).status).toBe(0)
  const key = join(config, "..", "sealing", "segments.key")
  renameSync(key, `${key}.away`)
  expect((await runHere(["verify", log, "--vkey", vkey])).status).toBe(1)
  renameSync(`${key}.away`, key)
})
