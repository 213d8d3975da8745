import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { judgeNode, judgeProcess, type ProcessFacts, readProcessFacts } from "./process-health.ts"

const well: ProcessFacts = {
  coreBytes: { known: 0 },
  coreFilter: { known: 0x33 },
  files: { known: 65_536 },
}
const bad = (facts: Partial<ProcessFacts>) =>
  judgeProcess({ pid: 7, node: "24.0.0" }, { ...well, ...facts })
    .filter(({ result }) => result !== "ok")
    .map(({ id, result, fix }) => [id, result, fix !== ""])

describe("the port's process", () => {
  const endless = { known: undefined }
  const unknown = { unknown: "no" }
  test.each<[string, Partial<ProcessFacts>, unknown[]]>([
    ["is well", {}, []],
    ["may dump core, but none of its memory", { coreBytes: endless, coreFilter: { known: 0 } }, []],
    ["may dump core", { coreBytes: endless }, [["process.core", "fail", true]]],
    ["may dump a little", { coreBytes: { known: 1 } }, [["process.core", "fail", true]]],
    [
      "cannot be seen",
      { coreBytes: unknown, coreFilter: unknown, files: unknown },
      [
        ["process.core", "unknown", true],
        ["process.files", "unknown", true],
      ],
    ],
    ["has too few files", { files: { known: 1024 } }, [["process.files", "fail", true]]],
    ["has any number of files", { files: endless }, []],
  ])("%s", (_name, facts, findings) => expect(bad(facts)).toEqual(findings))
})

describe("what the kernel says", () => {
  const root = mkdtempSync(join(tmpdir(), "postern-process-"))
  afterAll(() => rmSync(root, { recursive: true }))

  test("is read of another process", () => {
    mkdirSync(join(root, "proc/7"), { recursive: true })
    const limits = `Limit                     Soft Limit           Hard Limit           Units
Max core file size        0                    unlimited            bytes
Max open files            1024                 524288               files
`
    writeFileSync(join(root, "proc/7/limits"), limits)
    writeFileSync(join(root, "proc/7/coredump_filter"), "00000033\n")
    expect(readProcessFacts(7, root)).toEqual({ ...well, files: { known: 1024 } })
    expect(readProcessFacts(8, root)).toMatchObject({ files: { unknown: expect.any(String) } })
    writeFileSync(join(root, "proc/7/limits"), limits.replace(/ 0 /, " unlimited "))
    expect(readProcessFacts(7, root).coreBytes).toEqual({ known: undefined })
    writeFileSync(join(root, "proc/7/limits"), "nothing\n")
    expect(readProcessFacts(7, root).files).toMatchObject({ unknown: expect.any(String) })
  })

  test("is there for this one", () => {
    const { files } = readProcessFacts(process.pid)
    expect(process.platform !== "linux" || "known" in files).toBe(true)
  })
})

test.each([
  ["24.11.0", "2026-11-23", "ok"],
  ["v24.11.0", "2028-02-15", "warn"],
  ["24.11.0", "2028-04-30", "fail"],
  ["22.21.0", "2026-11-23", "fail"],
  ["25.1.0", "2026-11-23", "warn"],
  ["none", "2026-11-23", "fail"],
])("Node %s on %s is %s", (node, day, result) => {
  expect(judgeNode(node, new Date(day)).result).toBe(result)
})
