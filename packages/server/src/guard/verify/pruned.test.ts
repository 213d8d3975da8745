import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8, formatHex, sha256 } from "@postern/log/base"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { listSegments, readPruned } from "../../disk/index.ts"
import { type Report, verifyDirectory } from "./index.ts"
import { writeSoundLog } from "./sound-log.test.support.ts"
import type { WrittenLog } from "./written-log.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-pruned-"))
let sound: WrittenLog
let second = 0

/** A sound log of three segments, of which the first is not there any more. */
beforeAll(async () => {
  sound = await writeSoundLog(join(base, "sound"))
  second = (await listSegments(sound.path))[1] as number
  await sound.prune(second)
  await sound.checkpoint()
})
afterAll(async () => {
  await sound.close()
  rmSync(base, { recursive: true })
})

function codes(report: Report): string[] {
  return [...new Set(report.findings.map(({ code }) => code))]
}

let copies = 0
async function verifyChanged(change: (path: string) => void | Promise<void>): Promise<Report> {
  const path = join(base, `copy-${copies++}`)
  cpSync(sound.path, path, { recursive: true })
  await change(path)
  return verifyDirectory(path, { vkey: sound.log.vkey, full: true })
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
}

describe("a log whose beginning went by rule", () => {
  test("is verified in every check, from where it begins", async () => {
    const report = await verifyDirectory(sound.path, { vkey: sound.log.vkey, full: true })
    expect(report.findings).toEqual([])
    expect(report.checks.filter(({ status }) => status !== "ok")).toEqual([])
    expect(report).toMatchObject({ verified: true, size: sound.size })
    expect(report.facts).toMatchObject({ pruned: second })
    const retention = report.checks.find(({ name }) => name === "retention")
    expect(retention).toMatchObject({ checked: second, unit: "entries" })
  })

  test("whose newest segment alone is there is verified as well", async () => {
    const log = await writeSoundLog(join(base, "shorter"))
    const firsts = await listSegments(log.path)
    await log.prune(firsts[1] as number)
    await log.prune(firsts[2] as number)
    await log.checkpoint()
    const report = await verifyDirectory(log.path, { vkey: log.log.vkey, full: true })
    expect(report.findings).toEqual([])
    expect(report.verified).toBe(true)
    await log.close()
  })

  test("is verified while its files are being removed", async () => {
    const report = await verifyChanged((path) => {
      const segments = join(path, "segments")
      cpSync(join(segments, name(second, "seg")), join(segments, name(0, "seg")))
      cpSync(join(segments, name(second, "start")), join(segments, name(0, "start")))
    })
    expect(report.findings).toEqual([])
  })
})

function digestLine(line: string): string {
  return `${line}\n${formatHex(sha256(encodeUtf8(line)))}\n`
}

function name(first: number, kind: string): string {
  return `${String(first).padStart(16, "0")}.${kind}`
}

describe("a log whose beginning is not there", () => {
  test("and whose entries do not say so is damaged", async () => {
    const log = await writeSoundLog(join(base, "unsaid"))
    await log.prune(second, "nothing")
    await log.checkpoint()
    const report = await verifyDirectory(log.path, { vkey: log.log.vkey })
    expect(codes(report)).toEqual(["pruned-unsaid"])
    await log.close()
  })

  test("is damaged if the entry names another end, or another root", async () => {
    for (const [i, says] of [{ to: second + 1 }, { root: "AAAA" }].entries()) {
      const log = await writeSoundLog(join(base, `other-${i}`))
      await log.prune(second, says)
      await log.checkpoint()
      expect(codes(await verifyDirectory(log.path, { vkey: log.log.vkey }))).toEqual([
        "pruned-unsaid",
      ])
      await log.close()
    }
  })

  test("is damaged without the file that says where it begins", async () => {
    const report = await verifyChanged((path) => rmSync(join(path, "pruned")))
    expect(codes(report)).toContain("segment-missing")
  })

  test("is damaged where a hash of what went is another, or is not there", async () => {
    const leaf = await verifyChanged((path) => flip(join(path, "hashes/0"), 40))
    expect(codes(leaf)).toContain("pruned-root")
    expect(codes(leaf)).toContain("hash-file")
    const node = await verifyChanged((path) => flip(join(path, "hashes/1"), 3))
    expect(codes(node)).toEqual(["hash-file"])
    const short = await verifyChanged((path) => {
      writeFileSync(join(path, "hashes/0"), readFileSync(join(path, "hashes/0")).subarray(0, 320))
    })
    expect(codes(short)).toContain("hash-file")
  })

  test("is damaged where the file cannot be read, and the rest is verified all the same", async () => {
    const report = await verifyChanged((path) => flip(join(path, "pruned"), 20))
    expect(codes(report)).toContain("pruned-unreadable")
    expect(report.verified).toBe(false)
  })

  test("is damaged where a kept entry is another than the one that stood there", async () => {
    const report = await verifyChanged(async (path) => {
      const text = readFileSync(join(path, "pruned"), "utf8").split("\n")[0] as string
      writeFileSync(
        join(path, "pruned"),
        digestLine(text.replace(`\\"writer\\":\\"w\\"`, `\\"writer\\":\\"x\\"`)),
      )
      expect((await readPruned(path))?.minimum).toBe(second)
    })
    expect(codes(report)).toEqual(["kept-entry"])
  })
})
