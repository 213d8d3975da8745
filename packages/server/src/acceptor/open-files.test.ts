import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { socketsMax } from "./open-files.ts"

const directory = mkdtempSync(join(tmpdir(), "open-files-"))
afterAll(() => rmSync(directory, { recursive: true }))

function among(line: string): number {
  const file = join(directory, "limits")
  writeFileSync(file, `Limit  Soft Limit  Hard Limit  Units\nMax processes 100 100\n${line}\n`)
  return socketsMax(file)
}

it.each([
  ["Max open files            1024                 524288               files", 896],
  ["Max open files            60                   60                   files", 1],
  ["Max open files            unlimited            unlimited            files", Infinity],
  ["nothing of the kind", Infinity],
])("%s leaves %d for peers", (line, sockets) => {
  expect(among(line)).toBe(sockets)
})

it("is not known where there is no such file", () => {
  expect(socketsMax(join(directory, "none"))).toBe(Infinity)
})
