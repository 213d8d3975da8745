import { hash } from "node:crypto"
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { segmentPath, walkSlots } from "../../disk/index.ts"
import { type Report, verifyDirectory } from "./index.ts"
import { writeSoundLog } from "./sound-log.test.support.ts"
import type { WrittenLog } from "./written-log.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-damage-"))
let log: WrittenLog
/** A copy of it without the zeros that were written ahead. */
const sound = join(base, "compact")
/** Of the sound log: where each slot stands, and what is in it. */
const slots: {
  file: string
  at: number
  bytes: number
  first: number
  records: number
  tail: number
}[] = []
/** First indexes of the three segments. */
const firsts: number[] = []
let copies = 0

beforeAll(async () => {
  log = await writeSoundLog(join(base, "sound"))
  cpSync(log.path, sound, { recursive: true })
  const names = ["0000000000000000", "0000000000000313", "0000000000000723"]
  for (const name of names) {
    firsts.push(Number(name))
    const file = `segments/${name}.seg`
    for await (const { at, header } of walkSlots(join(log.path, file))) {
      const records = at + 256
      const tail = records + header.recordsBytes
      slots.push({ file, at, bytes: header.bytes, first: header.first, records, tail })
    }
    const { at, bytes } = slots.at(-1) as (typeof slots)[number]
    truncateSync(join(sound, file), at + bytes)
  }
})
afterAll(async () => {
  await log.close()
  rmSync(base, { recursive: true })
})

/** A copy of the sound log with some damage, verified. */
async function verify(damage: (path: string) => void): Promise<Report> {
  const path = join(base, `copy-${copies++}`)
  cpSync(sound, path, { recursive: true })
  damage(path)
  return verifyDirectory(path, { vkey: log.log.vkey, full: true })
}

function flip(path: string, file: string, at: number): void {
  const bytes = readFileSync(join(path, file))
  bytes[at] = (bytes[at] ?? 0) ^ 0x01
  writeFileSync(join(path, file), bytes)
}

/** Another letter of base64: a bit that flips could also make none of it, which is found in another way. */
function swap(path: string, file: string, at: number): void {
  const bytes = readFileSync(join(path, file))
  bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41
  writeFileSync(join(path, file), bytes)
}

function codes(report: Report): string[] {
  return [...new Set(report.findings.map(({ code }) => code))]
}

function slot(i: number): (typeof slots)[number] {
  return slots[i] as (typeof slots)[number]
}

/** Names of the checks that are not ok. */
function others(report: Report): string[] {
  return report.checks.filter(({ status }) => status !== "ok").map(({ name }) => name)
}

describe("a bit that flipped", () => {
  test("in an event is found, and named by its index; everything else is still right", async () => {
    const report = await verify((path) => flip(path, slot(4).file, slot(4).records + 250))
    expect(codes(report)).toEqual(["root", "stream-digest", "receipt-root"])
    expect(report.findings[0]).toMatchObject({
      where: "slot 4, entries 313 to 713",
      what: "the records do not lead to the slot's root; hashes/0 differs at entry 314",
    })
    expect(others(report)).toEqual(["tree", "streams", "receipts"])
    expect(report.root).toBeDefined()
  })

  test("in a stamp is found as a stamp too", async () => {
    const report = await verify((path) => flip(path, slot(4).file, slot(4).records + 2 + 6))
    expect(codes(report)).toEqual(["root", "stamp", "receipt-root"])
  })

  test("in a record's length is found", async () => {
    const report = await verify((path) => flip(path, slot(4).file, slot(4).records + 1))
    expect(codes(report)).toContain("records")
    expect(report.checks.find(({ name }) => name === "stamps")?.status).toBe("unknown")
  })

  test("in each byte of a slot's header that says something is found", async () => {
    for (const at of [0, 8, 12, 20, 28, 33, 39, 43, 47, 50, 60, 90, 125, 160, 230]) {
      const report = await verify((path) => flip(path, slot(5).file, slot(5).at + at))
      expect(codes(report), `byte ${at}`).toContain("slot-header")
      const what = /entry 713 should follow in slot 5/
      expect(report.findings[0]?.what, `byte ${at}`).toMatch(what)
    }
  })

  test("in the batch table or the receipt is found", async () => {
    for (const at of [0, 60, 150]) {
      const report = await verify((path) => flip(path, slot(5).file, slot(5).tail + at))
      expect(codes(report)).toContain("slot-tail")
    }
  })

  test("in a slot leaves the slots behind it to be verified", async () => {
    const report = await verify((path) => flip(path, slot(5).file, slot(5).at))
    expect(codes(report)).toEqual(["slot-header"])
    expect(report.checks.find(({ name }) => name === "slots")).toMatchObject({ checked: 12 })
    expect(report.checks.find(({ name }) => name === "tree")).toMatchObject({
      status: "unknown",
      note: "entries 713 to 715 could not be read",
    })
    expect(report.size).toBe(log.size)
  })

  test("in any hash file is found at its place", async () => {
    const leaf = await verify((path) => flip(path, "hashes/0", 32 * 500 + 3))
    expect(leaf.findings).toMatchObject([{ code: "hash-file", where: "hashes/0, hash 500" }])
    const node = await verify((path) => flip(path, "hashes/1", 32 * 2))
    expect(node.findings).toMatchObject([{ code: "hash-file", where: "hashes/1, hash 2" }])
    expect(others(node)).toEqual(["hashes"])
  })

  test("in an offsets file is found", async () => {
    for (const at of [3, 12]) {
      const file = "segments/0000000000000313.offsets"
      const report = await verify((path) => flip(path, file, at))
      const where = `0000000000000313.offsets row ${at < 8 ? 0 : 1}`
      expect(report.findings).toMatchObject([{ code: "offset", where }])
      expect(report.findingsTotal).toBe(1)
    }
  })

  test("in the head is found", async () => {
    const report = await verify((path) => flip(path, "head", 30))
    expect(codes(report)).toEqual(["head-unreadable", "head-missing"])
  })

  test("in the checkpoint is found, wherever it is", async () => {
    const note = readFileSync(join(log.path, "checkpoint"), "utf8").split("\n")
    const at = (line: number) => note.slice(0, line).join("\n").length + 1
    const origin = await verify((path) => flip(path, "checkpoint", 3))
    expect(codes(origin)).toEqual(["checkpoint-origin", "checkpoint-signature"])
    const size = await verify((path) => flip(path, "checkpoint", at(1) + 1))
    expect(codes(size)).toContain("checkpoint-signature")
    const root = await verify((path) => swap(path, "checkpoint", at(2) + 10))
    expect(codes(root)).toEqual(["checkpoint-signature", "checkpoint-root"])
    const signature = await verify((path) => swap(path, "checkpoint", at(4) + 60))
    expect(codes(signature)).toEqual(["checkpoint-signature"])
  })
})

describe("what was taken away or exchanged", () => {
  test("a segment that is missing is named by its entries", async () => {
    const report = await verify((path) => {
      for (const kind of ["seg", "start", "offsets"] as const) {
        rmSync(segmentPath(path, 313, kind))
      }
    })
    expect(codes(report)).toEqual(["entries-missing"])
    expect(report.findings[0]?.what).toMatch(/^entries 313 to 723, .* or a segment is gone$/)
    expect(others(report)).not.toContain("checkpoint")
  })

  test("a segment file that is missing is found, though its .start is there", async () => {
    const report = await verify((path) => rmSync(segmentPath(path, 313, "seg")))
    expect(codes(report)).toEqual(["entries-missing"])
    expect(report.checks.find(({ name }) => name === "tree")?.note).toBe(
      "entries 313 to 723 could not be read",
    )
  })

  test("the last segment that is missing is found by the head", async () => {
    const report = await verify((path) => {
      for (const kind of ["seg", "start", "offsets"] as const) {
        rmSync(segmentPath(path, 723, kind))
      }
    })
    expect(codes(report)).toEqual(["log-short"])
    expect(others(report)).toEqual(expect.arrayContaining(["head", "checkpoint", "last-signed"]))
  })

  test("a .start that is missing leaves an orphan", async () => {
    const report = await verify((path) => rmSync(segmentPath(path, 313, "start")))
    expect(codes(report)).toEqual(["segment-without-start", "entries-missing"])
  })

  test("two segments that were swapped are found", async () => {
    const report = await verify((path) => {
      renameSync(segmentPath(path, 313, "seg"), join(path, "x"))
      renameSync(segmentPath(path, 723, "seg"), segmentPath(path, 313, "seg"))
      renameSync(join(path, "x"), segmentPath(path, 723, "seg"))
    })
    expect(codes(report)).toContain("slot-order")
    expect(report.findings[0]?.what).toBe(
      "slot 8 with entry 723 stands where slot 4 with entry 313 should",
    )
  })

  test("a segment that was cut off is found, at a slot's border and within one", async () => {
    const border = await verify((path) => truncateSync(join(path, slot(6).file), slot(6).at))
    expect(codes(border)).toEqual(["entries-missing"])
    const within = await verify((path) => {
      truncateSync(join(path, slot(4).file), slot(4).at + slot(4).bytes - 4096)
    })
    expect(codes(within)).toEqual(["slot-cut-off"])
    const last = await verify((path) => truncateSync(join(path, slot(12).file), slot(12).at))
    expect(codes(last)).toEqual(["log-short"])
    expect(others(last)).toContain("head")
  })

  test("slots in the wrong order are found", async () => {
    const report = await verify((path) => {
      const file = join(path, slot(10).file)
      const bytes = readFileSync(file)
      const [a, b] = [slot(8), slot(9)]
      const moved = Buffer.concat([
        bytes.subarray(b.at, b.at + b.bytes),
        bytes.subarray(a.at, a.at + a.bytes),
      ])
      moved.copy(bytes, a.at)
      writeFileSync(file, bytes)
    })
    expect(codes(report)).toContain("slot-order")
  })

  test("a hash file or an offsets file that is missing or short is found", async () => {
    const missing = await verify((path) => rmSync(join(path, "hashes/1")))
    expect(codes(missing)).toEqual(["hash-file"])
    const short = await verify((path) => truncateSync(join(path, "hashes/0"), 32 * 1000))
    expect(short.findings[0]).toMatchObject({ code: "hash-file", where: "hashes/0, hash 1000" })
    const offsets = await verify((path) => rmSync(segmentPath(path, 0, "offsets")))
    expect(codes(offsets)).toEqual(["offset"])
  })

  test("a head that is missing is found", async () => {
    const report = await verify((path) => rmSync(join(path, "head")))
    expect(report.findings).toMatchObject([{ code: "head-missing" }])
    expect(report.size).toBe(log.size)
  })

  test("a checkpoint that is missing leaves its checks unknown", async () => {
    const report = await verify((path) => rmSync(join(path, "checkpoint")))
    expect(report).toMatchObject({ verified: false, findings: [] })
    expect(others(report)).toEqual(["checkpoint", "checkpoint-signature"])
  })
})

describe("a .start that says something else", () => {
  const change = (name: string, alter: (start: Record<string, unknown>) => void) =>
    verify((path) => {
      const file = segmentPath(path, 723, "start")
      const start = JSON.parse(readFileSync(file, "utf8").split("\n")[0] ?? "")
      alter(start)
      const text = JSON.stringify(start)
      writeFileSync(file, `${text}\n${hash("sha256", text)}\n`)
    }).then((report) => [name, codes(report)])
  const zeros = "0".repeat(64)

  test("is found in every member", async () => {
    expect(await change("slot", (start) => Object.assign(start, { slot: 7 }))).toEqual([
      "slot",
      ["start-contradicts"],
    ])
    expect(await change("previous", (start) => Object.assign(start, { previous: zeros }))).toEqual([
      "previous",
      ["start-contradicts"],
    ])
    const frontier = await change("frontier", (start) => {
      ;(start.frontier as string[])[0] = zeros
    })
    expect(frontier).toEqual(["frontier", ["frontier"]])
    const stream = await change("stream", (start) => {
      Object.assign((start.state as object[])[0] as object, { next: 5 })
    })
    expect(stream).toEqual(["stream", ["stream-state"]])
    const unreadable = await change("first", (start) => Object.assign(start, { first: 1 }))
    expect(unreadable).toEqual(["first", ["start-unreadable"]])
  })

  test("in a place of the frontier that the tree does not count is left alone", async () => {
    const report = await change("unused", (start) => {
      ;(start.frontier as string[])[40] = zeros
    })
    expect(report).toEqual(["unused", []])
  })
})

describe("last-signed", () => {
  const write = (text: string) => verify((path) => writeFileSync(join(path, "last-signed"), text))

  test("that knows more than there is, another root or nothing is found", async () => {
    const known = JSON.parse(readFileSync(join(log.path, "last-signed"), "utf8"))
    const beyond = await write(JSON.stringify({ ...known, size: 99_999 }))
    expect(codes(beyond)).toEqual(["last-signed-beyond"])
    const root = await write(JSON.stringify({ ...known, root: `${"A".repeat(43)}=` }))
    expect(codes(root)).toEqual(["last-signed-root"])
    const older = await write(JSON.stringify({ ...known, size: 1 }))
    expect(codes(older)).toContain("last-signed-old")
    expect(codes(await write("{"))).toContain("last-signed-unreadable")
    expect(codes(await write('{"size":5,"root":"?"}'))).toContain("last-signed-unreadable")
  })
})
