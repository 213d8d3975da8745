import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { listSegments, packSegment, segmentPath } from "../../disk/index.ts"
import { keptBelow } from "../../retention/index.ts"
import { type Report, verifyDirectory } from "./index.ts"
import { writeSoundLog } from "./sound-log.test.support.ts"
import type { WrittenLog } from "./written-log.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-compressed-"))
const plain = join(base, "plain")
let log: WrittenLog
let copies = 0

beforeAll(async () => {
  log = await writeSoundLog(join(base, "log"))
  cpSync(log.path, plain, { recursive: true })
  await log.compress()
})
afterAll(async () => {
  await log.close()
  rmSync(base, { recursive: true })
})

/** A copy of the log with compressed segments, with some damage, verified. */
async function verify(damage: (path: string) => unknown): Promise<Report> {
  const path = join(base, `copy-${copies++}`)
  cpSync(log.path, path, { recursive: true })
  await damage(path)
  return verifyDirectory(path, { vkey: log.log.vkey, full: true })
}

const codes = ({ findings }: Report) => [...new Set(findings.map(({ code }) => code))]

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(file, bytes)
}

describe("a log with compressed segments", () => {
  test("is verified in every check, like the plain one", async () => {
    const options = { vkey: log.log.vkey, full: true }
    const [one, other] = [
      await verifyDirectory(plain, options),
      await verifyDirectory(log.path, options),
    ]
    expect(readdirSync(join(log.path, "segments")).filter((n) => n.endsWith("z"))).toHaveLength(2)
    expect(other).toMatchObject({ verified: true, findings: [], size: one.size })
    expect(other.checks).toEqual(one.checks)
  })

  test("is verified where both forms of a segment are there", async () => {
    const copyPlain = (path: string) => {
      const first = 313
      copyFileSync(segmentPath(plain, first, "seg"), segmentPath(path, first, "seg"))
      writeFileSync(segmentPath(path, first, "segz"), "not yet whole")
    }
    expect(await verify(copyPlain)).toMatchObject({ verified: true, findings: [] })
  })

  test("keeps the same when its beginning goes", async () => {
    for (const to of (await listSegments(plain)).slice(1)) {
      expect(await keptBelow(log.path, to)).toEqual(await keptBelow(plain, to))
    }
  })
})

describe("damage in a compressed segment", () => {
  test("where entries are is found and named, and what is behind the segment is verified", async () => {
    const { length } = readFileSync(segmentPath(log.path, 313, "segz"))
    for (const at of [0, 20, 70, 100, 140, Math.floor(length / 3)]) {
      const report = await verify((path) => flip(segmentPath(path, 313, "segz"), at))
      expect(report.verified, `byte ${at}`).toBe(false)
      const named = report.findings.find(({ code }) => code === "compressed-damaged")
      expect(named?.where, `byte ${at}`).toBe("0000000000000313.segz")
      expect(report.size).toBe(log.size)
    }
  })

  test("that cuts it off or takes it away is found", async () => {
    const short = await verify((path) => truncateSync(segmentPath(path, 0, "segz"), 5000))
    expect(codes(short)).toContain("compressed-damaged")
    const gone = await verify((path) => rmSync(segmentPath(path, 0, "segz")))
    expect(gone.verified).toBe(false)
    expect(codes(gone)).toContain("entries-missing")
  })

  test("that was packed with other content is found by the tree", async () => {
    const report = await verify(async (path) => {
      const file = segmentPath(path, 313, "seg")
      copyFileSync(segmentPath(plain, 313, "seg"), file)
      flip(file, 700)
      await packSegment(path, 313)
      renameSync(`${segmentPath(path, 313, "segz")}.new`, segmentPath(path, 313, "segz"))
      rmSync(file)
    })
    expect(report.verified).toBe(false)
    expect(codes(report)).not.toContain("compressed-damaged")
  })

  test("that puts another segment in its place is found", async () => {
    const report = await verify((path) =>
      copyFileSync(segmentPath(path, 0, "segz"), segmentPath(path, 313, "segz")),
    )
    expect(report.verified).toBe(false)
  })
})
