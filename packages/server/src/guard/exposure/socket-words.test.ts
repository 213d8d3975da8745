import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { quietFacts, rowOf } from "./facts.test.support.ts"
import { judgeListeners, type Listener } from "./listeners.ts"
import { findServing } from "./socket-holders.ts"

let root: string
let word: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "postern-words-"))
  word = join(root, "sockets.json")
})
afterEach(() => rmSync(root, { recursive: true }))

const us = process.getuid?.() ?? 0

function runs(pid: number, uid: number): void {
  const directory = join(root, "proc", `${pid}`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "status"), `Name:\tnode\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`)
  writeFileSync(join(directory, "cmdline"), "/usr/bin/node\0/usr/lib/port.js\0")
}

test("a process says which passed sockets it serves", () => {
  runs(41, us)
  writeFileSync(word, '{"pid":41,"inodes":[7,8]}')
  const holder = { pid: 41, uid: us, command: "node port.js" }
  expect([...findServing([word, join(root, "none")], root)]).toEqual([
    [7, [holder]],
    [8, [holder]],
  ])
})

test.each([
  ["of a process that has ended", '{"pid":40,"inodes":[7]}'],
  ["that is half written", '{"pid":41,"ino'],
  ["without a process", '{"inodes":[7]}'],
  ["without sockets", '{"pid":41,"inodes":7}'],
  ["that is nothing", "null"],
  ["whose process is a path", '{"pid":"../41","inodes":[7]}'],
])("a word %s says nothing", (_what, text) => {
  runs(41, us)
  writeFileSync(word, text)
  expect(findServing([word], root).size).toBe(0)
})

test("nobody says it of another user's process", () => {
  runs(41, us + 1)
  writeFileSync(word, '{"pid":41,"inodes":[7]}')
  expect(findServing([word], root).size).toBe(0)
})

test.runIf(us === 0)("nor by a file of another user's", () => {
  runs(41, us)
  writeFileSync(word, '{"pid":41,"inodes":[7]}')
  chownSync(word, 4_321, 0)
  expect(findServing([word], root).size).toBe(0)
})

test.each([
  ["the service's own user serves it", 1000, "ok"],
  ["another user serves it", 1001, "fail"],
  ["nobody says so", undefined, "unknown"],
])("a socket that root opened: %s", (_what, uid, result) => {
  const row = rowOf("10.0.0.7", 17_514, { uid: 0 })
  const listener: Listener = {
    ...{ plane: "write", name: "10.0.0.7:17514", port: 17_514 },
    ...{ address: { known: "10.0.0.7" }, uid: { known: 1000 } },
  }
  const holders = uid === undefined ? [] : [{ pid: 41, uid, command: "node" }]
  const facts = quietFacts({ sockets: { known: [row] }, holders: new Map([[row.inode, holders]]) })
  const owner = judgeListeners([listener], [], facts).find(({ id }) => id === "port.owner")
  expect(owner?.result).toBe(result)
})
