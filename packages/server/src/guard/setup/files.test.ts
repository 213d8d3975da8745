import { chownSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { makeDirectoryBelow } from "./files.ts"

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "postern-files-"))
})
afterEach(() => rmSync(base, { recursive: true }))

test("a directory is made once, and not where the one above is missing", () => {
  const state = join(base, "state")
  makeDirectoryBelow(join(state, "watch"), 0o750)
  expect(statSync(state, { throwIfNoEntry: false })).toBeUndefined()
  makeDirectoryBelow(state, 0o700)
  makeDirectoryBelow(state, 0o750)
  expect(statSync(state).mode & 0o777).toBe(0o700)
})

test.runIf(process.geteuid?.() === 0)("it is whose the one above is, not root's", () => {
  chownSync(base, 4_321, 4_322)
  makeDirectoryBelow(join(base, "state"), 0o700)
  const { uid, gid } = statSync(join(base, "state"))
  expect([uid, gid]).toEqual([4_321, 4_322])
})
