import { closeSync, openSync, readdirSync, renameSync, writeSync } from "node:fs"
import { parseQuery } from "@postern/log/query"
import { afterAll, describe, expect, test } from "vitest"
import type { FileSystem, OpenFile } from "../../disk/index.ts"
import {
  leafOf,
  newIndexDirectory,
  openIndexed,
  openings,
  removeDirectories,
  scanAll,
  writeLeaves,
} from "./index-log.test.support.ts"

class Killed extends Error {}

/** What replaceFile needs of a disk; the step with this number is done by half, and none after it. */
function diskUntil(last: number): { files: FileSystem; steps(): number } {
  let steps = 0
  const step = (): boolean => {
    if (steps > last) throw new Killed()
    steps += 1
    return steps > last
  }
  const open = async (path: string): Promise<OpenFile> => {
    const isLast = step()
    const fd = openSync(path, "w")
    if (isLast) throw new Killed()
    const file: Partial<OpenFile> = {
      write(bytes, from, length, at, done) {
        const isLast = step()
        const written = writeSync(fd, bytes, from, isLast ? length >> 1 : length, at)
        if (isLast) done(new Killed() as NodeJS.ErrnoException, written)
        else done(null, written)
      },
      async sync() {
        if (step()) throw new Killed()
      },
      close: async () => closeSync(fd),
    }
    return file as OpenFile
  }
  const files: Partial<FileSystem> = {
    open,
    async rename(from, to) {
      if (step()) throw new Killed()
      renameSync(from, to)
    },
    async syncDirectory() {
      if (step()) throw new Killed()
    },
  }
  return { files: files as FileSystem, steps: () => steps }
}

afterAll(removeDirectories)

describe("a build", () => {
  test("that is killed at any step leaves what the next one goes on from, with the same answers", async () => {
    const start = Date.UTC(2026, 10, 1) * 1000
    const leaves = openings(start)
    for (let i = 0; i < 600; i++) {
      const event = {
        id: `${i}`,
        outcome: i % 5 === 0 ? "failure" : "success",
        data: { note: `w${i % 30}` },
      }
      leaves.push(leafOf(JSON.stringify(event), start + i, 1 + (i % 2), i))
    }
    const log = await writeLeaves(leaves, 8192)
    const queries = ["w7", "outcome:failure AND w5", "NOT outcome:failure"].map(parseQuery)
    const whole = newIndexDirectory()
    const { files, steps } = diskUntil(Number.POSITIVE_INFINITY)
    await (await openIndexed(log, whole.path, false, files)).close()
    expect(steps()).toBeGreaterThan(80)
    expect(readdirSync(whole.path).some((name) => name.endsWith(".group"))).toBe(true)
    const wanted = queries.map((query) => scanAll(leaves, query))
    // The seed and the first part; the parts around the first group, and it. Those between are alike.
    const all = Array.from({ length: steps() }, (_, step) => step)
    for (const last of [...all.slice(0, 8), ...all.slice(82, 91)]) {
      const { path, remove } = newIndexDirectory()
      await expect(openIndexed(log, path, false, diskUntil(last).files)).rejects.toThrow()
      const { answering, close } = await openIndexed(log, path)
      for (const [i, query] of queries.entries()) {
        const asked = {
          query,
          from: 0,
          to: leaves.length,
          order: "asc",
          rows: 1e6,
          bytes: 1e9,
          ms: 60_000,
        } as const
        const { hits } = await answering.search(asked)
        expect(
          hits.map(({ index }) => index),
          `killed at step ${last}`,
        ).toEqual(wanted[i])
      }
      await close()
      const left = (directory: string) => readdirSync(directory).sort()
      expect(left(path)).toEqual(left(whole.path))
      remove()
    }
    whole.remove()
  }, 90_000)
})
