import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { formats } from "../formats/index.ts"
import { FileSource } from "./file-source.ts"
import { MemorySpool } from "./memory-spool.test.support.ts"
import { recordBytesMax } from "./records/index.ts"
import type { SourceSettings } from "./settings/index.ts"

const pace = { pollMs: 5, listMs: 5, leftMs: 40, idleMs: 20 }

let directory: string
let spool: MemorySpool
const running: FileSource[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-tail-"))
  mkdirSync(join(directory, "state"))
  spool = new MemorySpool()
})
afterEach(async () => {
  for (const source of running.splice(0)) await source.stop()
  rmSync(directory, { recursive: true })
})

const at = (name: string): string => join(directory, name)
const append = (name: string, text: string | Buffer): void => appendFileSync(at(name), text)

async function follow(
  pattern: string,
  more: { start?: "end"; format?: string; snapshotMs?: number; listMs?: number } = {},
): Promise<FileSource> {
  const { start = "beginning", format = "line", snapshotMs = 5, listMs = pace.listMs } = more
  const intake = { kind: "file", pattern: at(pattern), start } as const
  const settings: SourceSettings = {
    ...{ name: "app", intake, directory: at("state"), format, mapping: undefined },
    ...{ source: undefined, spool: { bytesMax: 1, whenFull: "wait" } },
  }
  const source = new FileSource(
    ...([settings, intake, formats.get(format), spool, () => undefined] as const),
    { ...pace, snapshotMs, listMs },
  )
  running.push(source)
  await source.start()
  return source
}

async function stop(): Promise<void> {
  for (const source of running.splice(0)) await source.stop()
}

const comes = (lines: readonly string[]): Promise<void> =>
  vi.waitFor(() => expect(spool.lines).toEqual(lines), { timeout: 20_000, interval: 5 })
/** Everything that is there was looked at several times. */
async function settled(source: FileSource): Promise<void> {
  await vi.waitFor(() => expect(source.word().lagBytes).toBe(0), 10_000)
  const before = spool.items.length
  append("pulse", "x\n")
  rmSync(at("pulse"))
  await vi.waitFor(() => expect(spool.items.length).toBe(before), 10_000)
}

describe("a file", () => {
  it("is read as it grows, a line when it is complete", async () => {
    writeFileSync(at("a.log"), "one\ntw")
    await follow("a.log")
    await comes(["one"])
    append("a.log", "o\n\nthree\n")
    await comes(["one", "two", "", "three"])
  })

  it("is waited for, and its directory too", async () => {
    await follow("later/a.log")
    mkdirSync(at("later"))
    append("later/a.log", "one\n")
    await comes(["one"])
  })

  it("that is there already can be left out", async () => {
    writeFileSync(at("a.log"), "old\nhalf of a")
    const source = await follow("a.log", { start: "end" })
    await vi.waitFor(() => expect(source.word().files).toHaveLength(1), 10_000)
    await settled(source)
    append("a.log", " line\nnew\n")
    await comes(["half of a line", "new"])
  })

  it("gives bytes that are no text, and NULs, as they are", async () => {
    writeFileSync(at("a.log"), Buffer.from([0xff, 0xfe, 10, 0x61, 0, 0x62, 13, 10]))
    await follow("a.log")
    await comes([Buffer.from([0xff, 0xfe]).toString("base64"), "a\0b\r"])
  })

  it("with a line that is too long loses that line, and says so", async () => {
    writeFileSync(at("a.log"), "before\n")
    for (let i = 0; i < 9; i++) append("a.log", Buffer.alloc(1024 * 1024, 0x78))
    append("a.log", `\nafter\n${"y".repeat(70_000)}\n`)
    await follow("a.log")
    await comes(["before", "lost 1", "after", "y".repeat(70_000)])
    expect(spool.reasons[0]).toContain(`9437184 bytes in ${at("a.log")} at 7; ${recordBytesMax}`)
  })

  it("that is compressed, a directory or a pipe is passed over", async () => {
    writeFileSync(at("a.log"), "one\n")
    writeFileSync(at("b.log"), Buffer.from("1f8b08000000", "hex"))
    mkdirSync(at("c.log"))
    await follow("*.log")
    await comes(["one"])
  })
})

describe("a file that is rotated", () => {
  it("to another name of the pattern is not given up before it is looked for there", async () => {
    writeFileSync(at("a.log"), "one\n")
    await follow("a.log*", { listMs: 20 * pace.leftMs })
    await comes(["one"])
    renameSync(at("a.log"), at("a.log.1"))
    await vi.waitFor(() => expect(running[0]?.word().files?.[0]?.path).toBe(at("a.log.1")), 10_000)
    append("a.log.1", "two\n")
    await comes(["one", "two"])
  })

  it("by name is read to its end, half a line last, before and beside the new one", async () => {
    writeFileSync(at("a.log"), "one\n")
    await follow("a.log")
    await comes(["one"])
    renameSync(at("a.log"), at("a.log.1"))
    append("a.log.1", "two\nhal")
    writeFileSync(at("a.log"), "three\n")
    await vi.waitFor(
      () => expect([...spool.lines].sort()).toEqual(["hal", "one", "three", "two"]),
      10_000,
    )
    expect(spool.lines.indexOf("two")).toBeLessThan(spool.lines.indexOf("hal"))
  })

  it("into a name that the pattern names too is not read again", async () => {
    writeFileSync(at("a.log"), "one\n")
    const source = await follow("a.log*")
    await comes(["one"])
    renameSync(at("a.log"), at("a.log.1"))
    writeFileSync(at("a.log"), "two\n")
    await comes(["one", "two"])
    const names = () => source.word().files?.map(({ path }) => path)
    await vi.waitFor(() => expect(names()).toEqual([at("a.log.1"), at("a.log")]), 10_000)
    append("a.log.1", "three\n")
    await comes(["one", "two", "three"])
    rmSync(at("a.log.1"))
    await vi.waitFor(() => expect(names()).toEqual([at("a.log")]), 10_000)
    await settled(source)
    expect(spool.lines).toEqual(["one", "two", "three"])
  })

  it("by a copy and a cut is not read again, neither here nor in the copy", async () => {
    writeFileSync(at("a.log"), "one\ntwo\n")
    const source = await follow("a.log*")
    await comes(["one", "two"])
    copyFileSync(at("a.log"), at("a.log.1"))
    await vi.waitFor(() => expect(source.word().files).toHaveLength(2), 10_000)
    truncateSync(at("a.log"))
    append("a.log", "three\n")
    await comes(["one", "two", "three"])
  })

  it("and deleted is read to its end as long as it is open", async () => {
    writeFileSync(at("a.log"), "one\n")
    const source = await follow("a.log")
    await comes(["one"])
    append("a.log", "two\n")
    unlinkSync(at("a.log"))
    await comes(["one", "two"])
    await vi.waitFor(() => expect(source.word().files).toEqual([]), 10_000)
  })
})

describe("a file that is cut", () => {
  it("begins anew, also if it is as long again by then", async () => {
    writeFileSync(at("a.log"), "one\n")
    await follow("a.log")
    await comes(["one"])
    truncateSync(at("a.log"))
    append("a.log", "the second\nand more\n")
    await comes(["one", "the second", "and more"])
    writeFileSync(at("a.log"), "nothing of what stood there before\n")
    await comes(["one", "the second", "and more", "nothing of what stood there before"])
  })

  it("with a writer that stays where it was has a hole, which is nothing", async () => {
    writeFileSync(at("a.log"), "one\n")
    await follow("a.log")
    await comes(["one"])
    truncateSync(at("a.log"))
    writeFileSync(at("a.log"), Buffer.concat([Buffer.alloc(100_000), Buffer.from("two\n")]))
    await comes(["one", "two"])
  })

  it("before it was read to its end is a loss of unknown size", async () => {
    spool.room = 1
    writeFileSync(at("a.log"), `${"one\n".repeat(40_000)}`)
    await follow("a.log")
    await vi.waitFor(() => expect(spool.isFull).toBe(true), 10_000)
    truncateSync(at("a.log"))
    spool.room = Number.POSITIVE_INFINITY
    await vi.waitFor(() => expect(spool.reasons).toHaveLength(1), 10_000)
    expect(spool.reasons[0]).toMatch(/was cut, and what stood behind byte \d+ had not been read/)
  })
})

it("files with one inode are one file, by whatever name", async () => {
  writeFileSync(at("a.log"), "one\n")
  symlinkSync(at("a.log"), at("b.log"))
  const source = await follow("*.log")
  await comes(["one"])
  await settled(source)
  append("b.log", "two\n")
  await comes(["one", "two"])
})

describe("a spool without room", () => {
  it("is waited for; nothing is lost", async () => {
    spool.room = 2
    writeFileSync(at("a.log"), "1\n2\n3\n4\n")
    const source = await follow("a.log")
    await vi.waitFor(() => expect(source.word().state).toBe("full"), 10_000)
    spool.room = 3
    await comes(["1", "2", "3"])
    spool.room = 10
    await comes(["1", "2", "3", "4"])
  })
})

describe("after a restart", () => {
  const lines = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, i) => `line ${from + i}`)
  const text = (from: number, to: number): string => `${lines(from, to).join("\n")}\n`

  it("goes on where it was, whatever of the spool a killed process left behind", async () => {
    for (const lives of [0, 1, 7, 49, 50, 51, 80, 99, 100]) {
      rmSync(at("state"), { recursive: true })
      mkdirSync(at("state"))
      writeFileSync(at("a.log"), "")
      spool = new MemorySpool()
      await follow("a.log", { snapshotMs: 1e9 })
      await vi.waitFor(() => expect(spool.confirmed).toBe(0), 10_000)
      append("a.log", text(0, 50))
      await comes(lines(0, 50))
      append("a.log", text(50, 100))
      await comes(lines(0, 100))
      const journal = readFileSync(join(at("state"), "positions"))
      await stop()
      writeFileSync(join(at("state"), "positions"), journal)
      spool = spool.killed(lives)
      append("a.log", text(100, 120))
      await follow("a.log")
      await comes(lines(0, 120))
      await stop()
    }
  })

  it("a file that was renamed meanwhile is read to its end", async () => {
    writeFileSync(at("a.log"), text(0, 3))
    await follow("a.log")
    await comes(lines(0, 3))
    await stop()
    append("a.log", text(3, 5))
    renameSync(at("a.log"), at("a.log.1"))
    writeFileSync(at("a.log"), text(5, 7))
    await follow("a.log")
    await vi.waitFor(() => expect([...spool.lines].sort()).toEqual(lines(0, 7)), 10_000)
  })

  it("a file that was copied and cut meanwhile is read to its end in the copy", async () => {
    writeFileSync(at("a.log"), text(0, 3))
    await follow("a.log*")
    await comes(lines(0, 3))
    await stop()
    append("a.log", text(3, 5))
    copyFileSync(at("a.log"), at("a.log.1"))
    truncateSync(at("a.log"))
    append("a.log", text(5, 6))
    await follow("a.log*")
    await vi.waitFor(() => expect([...spool.lines].sort()).toEqual(lines(0, 6)), 10_000)
  })

  it("a file that went, its inode given to another one, is a loss of unknown size", async () => {
    writeFileSync(at("a.log"), text(0, 3))
    await follow("a.log")
    await comes(lines(0, 3))
    await stop()
    writeFileSync(at("a.log"), "quite another file, and longer than the first one was\n")
    await follow("a.log")
    await vi.waitFor(
      () =>
        expect(spool.lines.slice(3).sort()).toEqual([
          "lost 1",
          "quite another file, and longer than the first one was",
        ]),
      10_000,
    )
    expect(spool.reasons[0]).toContain("went while nobody read; unknown what stood behind byte 21")
  })

  it("a journal that cannot be read is as if there were none", async () => {
    writeFileSync(join(at("state"), "positions"), "\0\0\0")
    writeFileSync(at("a.log"), "one\n")
    await follow("a.log")
    await comes(["one"])
  })
})

it("what the agent says of itself counts in the spool, and in no file", async () => {
  writeFileSync(at("a.log"), "one\n")
  await follow("a.log")
  await comes(["one"])
  spool.own.push(Buffer.from('{"data":{"line":"own"}}'))
  await comes(["one", "own"])
  append("a.log", "two\nthree\n")
  await comes(["one", "own", "two", "three"])
  const [source] = running
  await source?.stop()
  running.length = 0
  spool = spool.killed(spool.items.length)
  await follow("a.log")
  append("a.log", "four\n")
  await comes(["one", "own", "two", "three", "four"])
})

it("records that belong together are one event, also across a restart", async () => {
  const record = (serial: number, type: string) =>
    `type=${type} msg=audit(1700000000.123:${serial}): success=yes\n`
  writeFileSync(at("a.log"), record(1, "SYSCALL") + record(1, "CWD"))
  await follow("a.log", { format: "auditd" })
  await vi.waitFor(() => expect(running[0]?.word().lagBytes).toBe(0), 10_000)
  await stop()
  append("a.log", record(1, "EOE") + record(2, "SYSCALL") + record(2, "EOE"))
  await follow("a.log", { format: "auditd" })
  await vi.waitFor(() => expect(spool.lines.length).toBeGreaterThanOrEqual(2), 10_000)
  const serials = spool.lines.map((line) => [...line.matchAll(/:(\d)\)/g)].map(([, n]) => n))
  expect(serials.flat()).toEqual(["1", "1", "1", "2", "2"])
})
