import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { ClockCheck } from "./clock-check.ts"
import type { OwnEntry } from "./own-stream.ts"
import type { Ahead } from "./witnesses/index.ts"

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
let root: string
let ahead: Record<string, Ahead | undefined>
let entries: OwnEntry[]
let check: ClockCheck

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "postern-clock-"))
  ahead = {}
  entries = []
  const standings = () => Object.entries(ahead).map(([name, range]) => ({ name, ahead: range }))
  check = new ClockCheck({ record: (entry) => void entries.push(entry) }, standings, root)
})

afterEach(() => rmSync(root, { recursive: true }))

function put(file: string, text = ""): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

const source = "sys/devices/system/clocksource/clocksource0/current_clocksource"
const said = () => entries.map(({ outcome, data }) => `${outcome} ${data.source} ${data.offsetMs}`)

describe("what files say", () => {
  const nothing = { source: "unknown", keeper: "unknown", synchronized: "unknown" }

  test("of a machine without any of them is unknown", () => {
    expect(check.state()).toMatchObject({ ...nothing, offset: "unknown", offsetMs: undefined })
  })

  test("names the kernel's clock source", () => {
    put(source, "tsc\n")
    expect(check.state()).toMatchObject({ ...nothing, source: "tsc" })
  })

  test("is a clock that was set right only where the service says so", () => {
    put("run/chrony/chronyd.pid", "7\n")
    expect(check.state()).toMatchObject({ ...nothing, keeper: "chrony" })
    put("run/systemd/timesync/synchronized")
    expect(check.state()).toMatchObject({ keeper: "systemd-timesyncd", synchronized: "yes" })
  })
})

describe("against what witnesses say", () => {
  test.each([
    [-900, 200, "within", 0],
    [1000, 2100, "within", 1000],
    [1001, 2100, "beyond", 1001],
    [-9000, -1000, "within", -1000],
    [-9000, -1001, "beyond", -1001],
  ])("a clock that is ahead by %i to %i ms is %s", (fromMs, toMs, offset, offsetMs) => {
    ahead = { w: { fromMs, toMs } }
    expect(check.state()).toMatchObject({ offset, offsetMs })
  })

  test("the one that is furthest away counts, and one that was not heard does not", () => {
    ahead = { a: { fromMs: 0, toMs: 1 }, b: { fromMs: -70_000, toMs: -60_000 }, c: undefined }
    expect(check.state()).toMatchObject({ offset: "beyond", offsetMs: -60_000 })
    expect(check.state().witnesses.map(({ name }) => name)).toEqual(["a", "b"])
  })
})

describe("the entry", () => {
  const at = (elapsedMs: number) => check.look(elapsedMs)

  test("is written at the start, and again when the answer changes", () => {
    at(5)
    expect(entries).toEqual([
      {
        action: "postern.clock.checked",
        outcome: "unknown",
        data: { ...check.state(), offsetMs: undefined },
      },
    ])
    put(source, "hpet\n")
    at(minuteMs + 4)
    expect(said()).toHaveLength(1)
    at(minuteMs + 5)
    at(2 * minuteMs + 5)
    expect(said()).toEqual(["unknown unknown undefined", "unknown hpet undefined"])
  })

  test("says when the clock has gone from a witness's, and when it has come back; not each wobble", () => {
    at(0)
    for (const [i, fromMs] of [0, 300, 400, 5000, 5100, 0].entries()) {
      ahead = { w: { fromMs, toMs: fromMs + 1000 } }
      at((i + 1) * minuteMs)
    }
    expect(said().slice(1)).toEqual([
      "success unknown 0",
      "failure unknown 5000",
      "success unknown 0",
    ])
  })

  test("names another witness that is contradicted, with everybody's ranges", () => {
    const bad = { fromMs: 5000, toMs: 6000 }
    ahead = { a: bad, b: { fromMs: 0, toMs: 10 } }
    at(0)
    ahead = { a: { fromMs: 0, toMs: 10 }, b: bad }
    at(minuteMs)
    expect(entries[1]).toMatchObject({
      outcome: "failure",
      data: {
        witnesses: [
          { name: "a", fromMs: 0, toMs: 10 },
          { name: "b", ...bad },
        ],
      },
    })
  })

  test("comes once a day while there is an offset, and never without one", () => {
    at(0)
    at(3 * dayMs)
    expect(said()).toHaveLength(1)
    ahead = { w: { fromMs: 3, toMs: 1003 } }
    for (const days of [4, 4.9, 5, 5.9, 6]) at(days * dayMs)
    expect(said().slice(1)).toEqual(Array(3).fill("success unknown 3"))
  })
})
