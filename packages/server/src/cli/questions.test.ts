import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>

/** Twelve invoices, a third of them denied, each under a checkpoint and in the index. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-questions-"))
  live = await startProcesses(join(directory, "installation"))
  const audit = await connect(live.profiles.writer)
  for (let i = 0; i < 12; i++) {
    const outcome = i % 3 === 0 ? "denied" : "success"
    const data = { ticket: `INC-${i}`, tags: ["a", `t${i}`] }
    audit("invoice.deleted", { actor: `user-${i % 2}`, target: `invoice/${i}`, outcome, data })
  }
  await audit.flush()
  await audit.close()
  await vi.waitFor(
    async () => {
      const { stdout } = await ask("search", "action:invoice.deleted", "--histogram", "--json")
      expect(JSON.parse(stdout).total).toBe(12)
      const proven = await ask("search", "action:invoice.deleted", "--json")
      for (const { verified } of JSON.parse(proven.stdout).entries) expect(verified).toBe(true)
    },
    { timeout: 20_000, interval: 200 },
  )
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const ask = (command: string, ...more: string[]) =>
  runHere([command, "--profile", live.profiles.reader, ...more])

async function printed(command: string, ...more: string[]): Promise<string> {
  const { status, stdout, stderr } = await ask(command, ...more)
  expect(status, stderr).toBe(0)
  return stdout.trimEnd()
}

describe("search", () => {
  test("shows the columns that were asked for, lists of the event included", async () => {
    const table = await printed(
      "search",
      "data.ticket:INC-7",
      "--fields",
      "actor,data.ticket,data.tags,sequence",
    )
    const [head, row] = table.split("\n")
    expect(head).toMatch(/^ACTOR +DATA\.TICKET +DATA\.TAGS +SEQUENCE$/)
    expect(row).toMatch(/^user-1 +INC-7 +a t7 +\d+$/)
  })

  test.each([["data..ticket"], ["a b"]])("refuses %s as a column", async (name) => {
    const { status, stderr } = await ask("search", "--fields", name)
    expect([status, stderr]).toEqual([2, expect.stringContaining("is no field")])
  })

  test("counts over time, and says what is no success", async () => {
    const bars = await printed("search", "action:invoice.deleted", "--histogram")
    const counts = bars.split("\n").map((line) => Number(/ (\d+)( |$)/.exec(line.slice(19))?.[1]))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(12)
    expect(bars).toMatch(/█.* not success/)
  })

  test("counts values", async () => {
    const table = await printed("search", "action:invoice.deleted", "--facets", "actor,outcome")
    expect(table).toMatch(/^actor +user\/user-[01] +6 +50\.0 %$/m)
    expect(table).toMatch(/^outcome +success +8 +66\.7 %$/m)
  })

  test("finds the same from the log alone", async () => {
    const [indexed, scanned] = await Promise.all([
      printed("search", "outcome:denied invoice", "--json"),
      printed("search", "outcome:denied invoice", "--scan", "--json"),
    ])
    expect(JSON.parse(indexed).entries.length).toBeGreaterThanOrEqual(4)
    expect(JSON.parse(scanned)).toEqual(JSON.parse(indexed))
  })

  test("shows that it left nothing out, and says where it cannot", async () => {
    const whole = await ask("search", "--oldest", "--limit", "5", "--prove")
    expect(whole.stderr).toContain("every entry from 0 to 4, proven; there is more outside of it")
    const found = JSON.parse(await printed("search", "data.ticket:INC-7", "--json"))
    const stream = found.entries[0].stream
    const own = await ask("search", `stream:${stream}`, "--prove")
    expect(own.stderr).toMatch(/every entry of stream \d+ from sequence \d+ to \d+, proven/)
    const none = await ask("search", "outcome:denied", "--prove")
    expect(none.stderr).toContain("each entry is proven, but not that none is missing")
    const json = JSON.parse(await printed("search", "outcome:denied", "--prove", "--json"))
    expect(json.completeness.kind).toBe("none")
  })

  test("asks for one thing at a time", async () => {
    const { status } = await ask("search", "--histogram", "--facets", "actor")
    expect(status).toBe(2)
  })
})

describe("who writes", () => {
  test("writers lists them with what came of each", async () => {
    await vi.waitFor(async () => {
      expect(await printed("writers")).toMatch(/^writer\/app +\d+ (?:s|min) ago +12 .*█/m)
    }, 10_000)
    const { writers } = JSON.parse(await printed("writers", "--json"))
    expect(writers.map(({ id }: { id: string }) => id)).toContain(
      "spiffe://postern.local/writer/app",
    )
  })

  test("top shows them beside what was not allowed", async () => {
    const screen = await printed("top", "--once")
    expect(screen).toMatch(/^writer\/app +12$/m)
    expect(screen).toMatch(/invoice\.deleted +user-\d .*denied$/m)
    const rows = JSON.parse(await printed("top", "--once", "--json"))
    expect(rows[0]).toMatchObject({ perSecond: null })
  })
})

describe("index", () => {
  const config = () => ["--config", live.config.file]

  test("says how far its files are, also while the reader has it open", async () => {
    const { status, stdout } = await runHere(["index", "status", "--json", ...config()])
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { indexed: 0, parts: 0 }])
  })

  test("is not made anew under a reader that has it open", async () => {
    const { status, stderr } = await runHere(["index", "rebuild", ...config()])
    expect([status, stderr]).toEqual([1, expect.stringContaining("postern: hint:")])
  })

  test("is made anew once the reader is gone, and answers as before", async () => {
    const before = await printed("search", "outcome:denied", "--json")
    await live.end("reader", "SIGTERM")
    expect((await runHere(["index", "rebuild", ...config()])).status).toBe(0)
    await live.start("reader")
    const entries = (text: string) =>
      JSON.parse(text).entries.filter(({ event }: { event: { action: string } }) => {
        return event.action === "invoice.deleted"
      })
    expect(entries(await printed("search", "outcome:denied", "--json"))).toEqual(entries(before))
  })
})
