import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { connect } from "./audit.ts"
import { createStderrReport } from "./problem.ts"
import { Scene, waitMs, writeSome } from "./writer.test.support.ts"

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

const tiny = 256 * 1024

describe("audit()", () => {
  it("fills in what is not given and returns the id", async () => {
    const audit = await scene.connect()
    const before = Date.now()
    const id = audit("invoice.deleted", { actor: "alice", target: "invoice/4711" })
    await audit.flush(waitMs)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const event = JSON.parse(scene.port.entries[0]?.event ?? "")
    expect(event).toMatchObject({
      ...{ id, source: "app://app", action: "invoice.deleted", outcome: "unknown" },
      actor: { type: "user", id: "alice" },
      targets: [{ type: "invoice", id: "4711" }],
    })
    expect(Date.parse(event.time)).toBeGreaterThanOrEqual(before)
  })

  it("never throws for a bad event, tells of it, and counts it", async () => {
    const audit = await scene.connect()
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const bad: [string, unknown][] = [
      ["No Such Action", { actor: "a" }],
      ["a.b", { actor: "a", colour: "red" }],
      ["a.b", {}],
      ["a.b", undefined],
      ["a.b", null],
      ["a.b", { actor: "a", data: cycle }],
      ["a.b", { actor: "a", data: { big: 1n } }],
      ["a.b", { actor: "a", target: `thing/${"x".repeat(70_000)}` }],
      ["a.b", { actor: "a", data: { long: "x".repeat(9_000_000) } }],
      ["a.b", { actor: "a", _sd: [] }],
      ["postern.started", { actor: "a" }],
    ]
    for (const [action, details] of bad) {
      expect(audit(action, details as { actor: string })).toBe("")
    }
    expect(scene.codes.every((code) => code.startsWith("EVENT_"))).toBe(true)
    const nothing = { pendingEvents: 0, pendingBytes: 0 }
    expect(audit.status()).toMatchObject({ refused: bad.length, ...nothing })
  })

  it("does not care what onProblem throws", async () => {
    const audit = await scene.connect({
      onProblem: () => {
        throw new Error("mine")
      },
    })
    expect(() => audit("Bad Action", { actor: "a" })).not.toThrow()
  })

  it("tells of what the port refused, by code", async () => {
    scene.port.manners.refuse = (event) => (event.includes('"e') ? "NOT_OF_THIS_AGE" : undefined)
    const audit = await scene.connect()
    writeSome(audit, 3)
    await audit.flush(waitMs)
    expect(scene.problems).toMatchObject([{ code: "REQUEST_INVALID", events: 3 }])
    expect(scene.problems[0]?.message).toContain("NOT_OF_THIS_AGE")
  })

  it("tells of what comes after close()", async () => {
    const audit = await scene.connect()
    await audit.close()
    audit("a.b", { actor: "a" })
    expect(scene.codes).toEqual(["SHUTTING_DOWN"])
  })
})

describe("a full spool", () => {
  beforeEach(() => scene.port.stop())

  it("gives up the oldest events for a gap, which the log then has", async () => {
    const audit = await scene.connect({ spool: { bytesMax: tiny } })
    const ids: string[] = []
    for (let round = 0; round < 10; round++) {
      ids.push(...writeSome(audit, 100, 500))
      await audit.spooled().catch(() => undefined)
    }
    // What was refused room at first gets it a little later, and may cost older ones theirs.
    await vi.waitFor(() => expect(audit.status().spooled).toBe(ids.length))
    const { dropped } = audit.status()
    expect(dropped).toBeGreaterThan(0)
    expect(scene.codes).toContain("SPOOL_FULL")
    await scene.port.listen()
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids.slice(dropped))
    const [stream] = [...scene.port.streams.values()]
    expect(stream?.gaps).toEqual([{ sequence: 0, count: dropped, reason: "the spool was full" }])
    expect(stream?.next).toBe(ids.length)
  })

  it("blocks, where that was asked for: what comes waits in memory and nothing is lost", async () => {
    const audit = await scene.connect({ spool: { bytesMax: tiny, whenFull: "block" } })
    const ids = writeSome(audit, 1_000, 500)
    await expect(audit.spooled()).rejects.toMatchObject({ code: "SPOOL_FULL" })
    expect(audit.status()).toMatchObject({ dropped: 0, pendingEvents: 1_000 })
    await scene.port.listen()
    await audit.flush(waitMs)
    await audit.spooled()
    expect(scene.logged).toEqual(ids)
  })

  it("blocks up to a bound; what is beyond is a gap in its place", async () => {
    const audit = await scene.connect({ spool: { bytesMax: tiny, whenFull: "block" } })
    const first = writeSome(audit, 300, 60_000)
    await scene.told("SPOOL_FULL")
    const { dropped } = audit.status()
    expect(dropped).toBeGreaterThan(0)
    await scene.port.listen()
    await audit.flush(waitMs)
    const last = writeSome(audit, 3)
    await audit.flush(waitMs)
    expect(scene.logged).toEqual([...first.slice(0, first.length - dropped), ...last])
    const [stream] = [...scene.port.streams.values()]
    expect(stream?.gaps.map(({ count }) => count)).toEqual([dropped])
    expect(stream?.next).toBe(303)
  })

  it("throws, where that was asked for, and takes events again when there is room", async () => {
    const audit = await scene.connect({ spool: { bytesMax: tiny, whenFull: "throw" } })
    const ids: string[] = []
    const fill = () => {
      while (ids.length < 10_000) ids.push(...writeSome(audit, 1, 500))
    }
    expect(fill).toThrow(expect.objectContaining({ code: "SPOOL_FULL" }))
    await audit.spooled()
    await scene.port.listen()
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(audit.status().dropped).toBe(0)
    expect(() => writeSome(audit, 1)).not.toThrow()
  })
})

describe("the spool of a writer", () => {
  it("belongs to one process at a time", async () => {
    await scene.connect()
    await expect(scene.connect()).rejects.toMatchObject({ code: "SPOOL_LOCKED" })
  })

  it("is named by the profile or an option", async () => {
    const answer = connect(scene.port.profile())
    await expect(answer).rejects.toMatchObject({ code: "PROFILE_INVALID" })
  })

  it("is of a size that holds something", async () => {
    const answer = scene.connect({ spool: { bytesMax: 1000 } })
    await expect(answer).rejects.toMatchObject({ code: "CONFIG_INVALID" })
  })

  it("is synced before anything is sent, where that was asked for", async () => {
    const audit = await scene.connect({
      spool: { durable: "disk", preallocate: true, bytesMax: tiny },
    })
    const ids = writeSome(audit, 50)
    await audit.spooled()
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
  })

  it("takes what the process wrote last, also when it ends by itself or by an error", async () => {
    await scene.port.stop()
    const script = join(import.meta.dirname, "writer.test.ending.ts")
    for (const ending of ["exit", "throw"]) {
      const profile = JSON.stringify({ ...scene.port.profile(), spool: scene.directory })
      const run = () =>
        execFileSync(process.execPath, [script, ending], { input: profile, stdio: "pipe" })
      if (ending === "throw") expect(run).toThrow("on purpose")
      else run()
    }
    await scene.port.listen()
    const audit = await scene.connect()
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(["exit.0", "exit.1", "throw.0", "throw.1"])
  })
})

describe("a process", () => {
  it("ends by itself once everything is delivered, with and without close()", async () => {
    const script = join(import.meta.dirname, "writer.test.ending.ts")
    for (const ending of ["close", "none"]) {
      const profile = JSON.stringify({ ...scene.port.profile(), spool: scene.directory })
      const child = startScript(script, ending, profile)
      expect(await child).toBe(0)
    }
    expect(scene.logged).toEqual(["close.0", "close.1", "none.0", "none.1"])
  })
})

async function startScript(script: string, ending: string, input: string): Promise<number | null> {
  const { spawn } = await import("node:child_process")
  const child = spawn(process.execPath, [script, ending], { stdio: ["pipe", "inherit", "inherit"] })
  child.stdin?.end(input)
  return new Promise((resolve) => child.once("exit", resolve))
}

it("problems on standard error come seldom, with the number of events", () => {
  let now = 0
  const lines: string[] = []
  const write = process.stderr.write
  process.stderr.write = ((text: string) => lines.push(text) > 0) as typeof write
  try {
    const report = createStderrReport(() => now)
    const problem = {
      code: "SPOOL_FULL",
      message: "the spool is full",
      hint: "look",
      events: 2,
    } as const
    for (now = 0; now <= 10_000; now += 1000) report(problem)
  } finally {
    process.stderr.write = write
  }
  expect(lines).toEqual([
    "postern: error: the spool is full (2 events)\npostern: hint: look\n",
    "postern: error: the spool is full (20 events)\npostern: hint: look\n",
  ])
})
