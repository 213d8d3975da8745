import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { confirm, rollBack } from "./apply.ts"
import { driftOf, type Snapshot } from "./live.ts"
import { keepUnconfirmed, readUnconfirmed, takeUnconfirmed } from "./unconfirmed.ts"

const change = {
  id: "a",
  dialect: "nftables",
  config: "/c",
  saved: "x",
  deadlineMs: 1,
  applied: { file: "/x" },
}
let base: string
let directory: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "postern-firewall-"))
  directory = join(base, "state")
})
afterEach(() => rmSync(base, { recursive: true }))

describe("rules that wait to be confirmed", () => {
  test("are decided once, by whoever comes first", async () => {
    expect(readUnconfirmed(directory)).toBeUndefined()
    keepUnconfirmed(directory, change)
    expect(readUnconfirmed(directory)).toEqual(change)
    expect(confirm(directory)).toEqual(change)
    expect(await rollBack(directory)).toBeUndefined()
    expect(() => confirm(directory)).toThrow("no firewall rules wait")
    expect(readdirSync(directory)).toEqual([])
  })

  test("are not joined by others", () => {
    keepUnconfirmed(directory, change)
    expect(() => keepUnconfirmed(directory, { ...change, id: "b" })).toThrow("wait to be confirmed")
    expect(takeUnconfirmed(directory)?.id).toBe("a")
  })

  test("are not taken back by the timer of an earlier change", async () => {
    keepUnconfirmed(directory, { ...change, id: "b" })
    expect(await rollBack(directory, "a")).toBeUndefined()
    expect(readUnconfirmed(directory)?.id).toBe("b")
  })

  test("wait on if they cannot be taken back", async () => {
    keepUnconfirmed(directory, { ...change, dialect: "pf" })
    await expect(rollBack(directory)).rejects.toThrow("no pf here")
    expect(readUnconfirmed(directory)?.id).toBe("a")
  })

  test("are in a directory of ours alone: what is in it goes into the kernel", () => {
    keepUnconfirmed(directory, change)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    chmodSync(directory, 0o770)
    expect(() => readUnconfirmed(directory)).toThrow("not a directory of ours alone")
    expect(() => confirm(directory)).toThrow("not a directory of ours alone")
    chmodSync(directory, 0o700)
    const link = join(base, "link")
    symlinkSync(directory, link)
    expect(() => readUnconfirmed(link)).toThrow("not a directory of ours alone")
  })
})

describe("drift", () => {
  const has = (...contents: string[]): Snapshot => ({ declarations: ["t"], contents, saved: "" })

  test("is what is missing and what is foreign", () => {
    expect(driftOf(has("a", "b"), has("a", "b"))).toBeUndefined()
    expect(driftOf(has("b", "c"), has("a", "b"))).toEqual({ missing: ["a"], foreign: ["c"] })
    expect(driftOf({ ...has(), declarations: [] }, has())).toEqual({ missing: ["t"], foreign: [] })
  })

  test("is a rule that stands twice, or in another place", () => {
    expect(driftOf(has("a", "a"), has("a"))).toEqual({ missing: [], foreign: ["a"] })
    expect(driftOf(has("b", "a"), has("a", "b"))?.foreign).toEqual(["b (in another order)"])
  })
})
