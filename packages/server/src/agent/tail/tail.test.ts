import { gzipSync } from "node:zlib"
import { expect, it } from "vitest"
import { isCompressed, isPattern, judgeFile, printOf, watchedDirectory } from "./index.ts"

const seen = {
  ...{ size: 100, sizeBefore: 100, read: 100, isSame: true },
  ...{ inode: "1:7", inodeAtPath: "1:7" },
}

it.each([
  ["is here", {}, { kind: "here" }],
  ["grew", { size: 200 }, { kind: "here" }],
  ["was renamed", { inodeAtPath: "1:8" }, { kind: "left" }],
  ["was removed", { inodeAtPath: undefined }, { kind: "left" }],
  ["was cut", { size: 10 }, { kind: "cut", isLost: false }],
  ["was cut too early", { size: 10, sizeBefore: 101 }, { kind: "cut", isLost: true }],
  ["was written anew", { size: 200, isSame: false }, { kind: "cut", isLost: false }],
  ["was cut, and renamed", { size: 0, inodeAtPath: "1:8" }, { kind: "cut", isLost: false }],
])("a file that %s is found out", (_name, more, judged) => {
  expect(judgeFile({ ...seen, ...more })).toEqual(judged)
})

it("a print tells beginnings and ends apart", () => {
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(1, 3)]
  expect(new Set([printOf(a, a), printOf(a, b), printOf(b, a)]).size).toBe(3)
})

it("compressed files are known by their first bytes", () => {
  expect(isCompressed(gzipSync("x"))).toBe(true)
  expect(isCompressed(Buffer.from("BZh9"))).toBe(true)
  expect(isCompressed(Buffer.from("a line\n"))).toBe(false)
  expect(isCompressed(Buffer.alloc(0))).toBe(false)
})

it.each([
  ["/var/log/app.log", false, "/var/log"],
  ["/var/log/*.log", true, "/var/log"],
  ["/var/log/**/x/a.log", true, "/var/log"],
  ["/a.log", false, "/"],
])("%s is watched where something can change", (path, pattern, directory) => {
  expect([isPattern(path), watchedDirectory(path)]).toEqual([pattern, directory])
})
