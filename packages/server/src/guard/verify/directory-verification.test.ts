import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { verifyDirectory } from "./index.ts"
import { writeSoundLog } from "./sound-log.test.support.ts"
import type { WrittenLog } from "./written-log.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-verify-"))
let log: WrittenLog

beforeAll(async () => {
  log = await writeSoundLog(join(base, "sound"))
})
afterAll(async () => {
  await log.close()
  rmSync(base, { recursive: true })
})

describe("a sound log", () => {
  test("is verified in every check, while its writer holds it", async () => {
    const report = await verifyDirectory(log.path, { vkey: log.log.vkey, full: true })
    expect(report.findings).toEqual([])
    expect(report.checks.filter(({ status }) => status !== "ok")).toEqual([])
    expect(report).toMatchObject({ verified: true, size: log.size, findingsTotal: 0 })
    console.log(report)
  })
})
