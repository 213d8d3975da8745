import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { formats } from "../formats/index.ts"
import { ByteStream } from "./byte-stream.ts"
import { Inlet } from "./inlet.ts"
import { MemorySpool } from "./memory-spool.test.support.ts"

const second = 1_000

let directory: string
let spool: MemorySpool
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-inlet-"))
  spool = new MemorySpool()
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(directory, { recursive: true })
})

const openInlet = () => new Inlet(spool, directory, () => undefined)

function open(inlet: Inlet, format = "line"): { stream: PassThrough; reader: ByteStream } {
  const stream = new PassThrough()
  const options = { name: "app", source: spool.source, format: formats.get(format) }
  const reader = new ByteStream(stream, inlet, { ...options, framing: "lines" }, () => undefined)
  return { stream, reader }
}

async function send(stream: PassThrough, text: string): Promise<void> {
  stream.write(text)
  await vi.advanceTimersByTimeAsync(1)
}

describe("a stream", () => {
  it("hands on each record; half of one when it ends", async () => {
    const { stream } = open(openInlet())
    await send(stream, "one\ntw")
    await send(stream, "o\nthr")
    expect(spool.lines).toEqual(["one", "two"])
    stream.end()
    await vi.advanceTimersByTimeAsync(1)
    stream.destroy()
    await vi.advanceTimersByTimeAsync(1)
    expect(spool.lines).toEqual(["one", "two", "thr"])
  })

  it("that was cut is a loss of unknown size", async () => {
    const { stream } = open(openInlet())
    await send(stream, "one\ntw")
    stream.destroy(new Error("reset"))
    await vi.advanceTimersByTimeAsync(1)
    expect(spool.lines).toEqual(["one", "tw", "lost 1"])
    expect(spool.reasons[0]).toContain("was cut; unknown what was under way")
  })

  it("whose decoder waits for more gives what it has after a while", async () => {
    const { stream, reader } = open(openInlet(), "auditd")
    await send(stream, "type=SYSCALL msg=audit(1700000000.1:7): success=yes\n")
    reader.look()
    expect(spool.lines).toEqual([])
    await vi.advanceTimersByTimeAsync(2 * second)
    reader.look()
    expect(spool.lines).toHaveLength(1)
  })
})

describe("a full spool", () => {
  it("makes a stream wait for so long, then it loses, and all of it is told in its place", async () => {
    const { stream } = open(openInlet())
    spool.room = 1
    await send(stream, "1\n2\n")
    expect(stream.isPaused()).toBe(true)
    await vi.advanceTimersByTimeAsync(4 * second)
    expect(stream.isPaused()).toBe(true)
    await vi.advanceTimersByTimeAsync(2 * second)
    expect(stream.isPaused()).toBe(false)
    await send(stream, `${"x".repeat(1_500_000)}\n4\n`)
    spool.room = 100
    await vi.advanceTimersByTimeAsync(second)
    await send(stream, "5\n")
    expect(spool.lines).toEqual(["1", "2", "lost 1", "4", "5"])
    expect(stream.isPaused()).toBe(false)
  })

  it("that has room again in time loses nothing", async () => {
    const { stream } = open(openInlet())
    spool.room = 1
    await send(stream, "1\n2\n3\n")
    await vi.advanceTimersByTimeAsync(second)
    spool.room = 100
    await vi.advanceTimersByTimeAsync(second)
    await send(stream, "4\n")
    expect(spool.lines).toEqual(["1", "2", "3", "4"])
  })

  it("until the end leaves the number of what was lost to the next agent", async () => {
    const inlet = openInlet()
    const { stream } = open(inlet)
    spool.room = 1
    await send(stream, "1\n2\n3\n")
    inlet.close()
    spool.room = 100
    const next = openInlet()
    expect(spool.lines).toEqual(["1", "lost 2"])
    next.close()
    openInlet().close()
    expect(spool.lines).toEqual(["1", "lost 2"])
  })
})
