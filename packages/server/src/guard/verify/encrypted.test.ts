import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { followLog, lendSegmentKeys, segmentPath } from "../../disk/index.ts"
import { memoryKeys } from "../../disk/segment-keys.test.support.ts"
import { type Report, verifyDirectory } from "./index.ts"
import { writeSoundLog } from "./sound-log.test.support.ts"
import type { WrittenLog } from "./written-log.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-locked-"))
const plain = join(base, "plain")
const { keys, maker } = memoryKeys()
const undo: (() => void)[] = []
let log: WrittenLog
let copies = 0

/** Three segments; the two sealed ones, entries [0, 313) and [313, 727), are encrypted. */
beforeAll(async () => {
  const takeBack = lendSegmentKeys(keys)
  log = await writeSoundLog(join(base, "log"))
  cpSync(log.path, plain, { recursive: true })
  await log.compress(maker)
  takeBack()
})
afterEach(() => {
  for (const step of undo.splice(0)) step()
})
afterAll(async () => {
  await log.close()
  rmSync(base, { recursive: true })
})

const lend = () => undo.push(lendSegmentKeys(keys))

async function verify(damage: (path: string) => unknown): Promise<Report> {
  const path = join(base, `copy-${copies++}`)
  cpSync(log.path, path, { recursive: true })
  await damage(path)
  return verifyDirectory(path, { vkey: log.log.vkey, full: true })
}

const codes = ({ findings }: Report) => [...new Set(findings.map(({ code }) => code))]
const statusOf = ({ checks }: Report, name: string) =>
  checks.find((check) => check.name === name)?.status

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(file, bytes)
}

describe("a log with encrypted segments", () => {
  test("is verified in every check with their keys, like the plain one", async () => {
    lend()
    const options = { vkey: log.log.vkey, full: true }
    const one = await verifyDirectory(plain, options)
    const other = await verifyDirectory(log.path, options)
    expect(other).toMatchObject({ verified: true, findings: [], size: one.size, root: one.root })
    expect(other.checks).toEqual(one.checks)
  })

  test("without their keys: nothing is wrong, and what could not be looked at is not called right", async () => {
    const whole = await verifyDirectory(plain, { vkey: log.log.vkey, full: true })
    const report = await verify(() => undefined)
    expect(report.findings).toEqual([])
    expect(report).toMatchObject({ verified: false, size: log.size, root: whole.root })
    for (const name of ["segments", "slots", "tree", "stamps", "nonces", "streams", "receipts"]) {
      expect([name, statusOf(report, name)]).toEqual([name, "unknown"])
    }
    // Hashes are not encrypted, and neither is what was signed.
    for (const name of ["checkpoint", "checkpoint-signature", "last-signed", "head", "frontiers"]) {
      expect([name, statusOf(report, name)]).toEqual([name, "ok"])
    }
    const [note] = report.checks.filter(({ name }) => name === "slots").map((check) => check.note)
    expect(note).toContain("0000000000000000.segz: the key ")
  })

  test("without their keys: damage is found by what is not encrypted", async () => {
    const { length } = readFileSync(segmentPath(log.path, 313, "segz"))
    for (const at of [0, 20, 75, 100, 150, 195, 230, Math.floor(length / 2)]) {
      const report = await verify((path) => flip(segmentPath(path, 313, "segz"), at))
      expect(codes(report), `byte ${at}`).toEqual(expect.arrayContaining(["compressed-damaged"]))
    }
    const hashes = await verify((path) => flip(join(path, "hashes", "0"), 320 * 32))
    expect(hashes.checks.some(({ status }) => status === "fail")).toBe(true)
  })

  test("under other keys than those that are here is read where it is not encrypted", async () => {
    undo.push(lendSegmentKeys(memoryKeys().keys))
    const view = await followLog(log.path)
    await expect(view.leaves(0, 1)).rejects.toMatchObject({ code: "SEGMENT_LOCKED" })
    expect(await view.leaves(log.size - 1, log.size)).toHaveLength(1)
    await view.close()
  })
})
