import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { formatStamp } from "@postern/log/event"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { KeyId } from "../disclosures/index.ts"
import type { LogView } from "../disk/index.ts"
import { type ErasingWorld, finishErasure, keepIntent } from "./erasing.ts"
import type { OwnEntry } from "./own-stream.ts"

const key = "3-0123456789abcdef"
const digest = "d".repeat(43)
let directory: string
let leaves: Uint8Array[]
let destroyed: { readonly keys: readonly KeyId[]; readonly entry: number | undefined }[]
let world: ErasingWorld

function append(action: string, data: object, more: object = {}): number {
  const stamp = {
    received: 1,
    open: 0,
    sequence: 0,
    nonce: new Uint8Array(16),
    changed: 0,
  } as const
  const event = { action, data, ...more }
  return leaves.push(encodeUtf8(`${formatStamp(stamp)}\n${JSON.stringify(event)}`)) - 1
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-erasing-"))
  leaves = []
  destroyed = []
  const view = {
    head: () => ({ size: leaves.length, minimum: 0 }),
    kept: () => [],
    leaves: async (from: number, to: number) => leaves.slice(from, to),
    close: async () => undefined,
  }
  world = {
    own: {
      record: ({ action, data, placed }: OwnEntry) => placed?.(append(action, data)),
    },
    commits: { afterDurable: (callback) => queueMicrotask(callback) },
    sealed: {
      keyOf: async () => undefined,
      knownPseudonymOf: () => undefined,
      async *entriesOf() {
        // One that was placed, one of an entry that has other digests, one of an entry that never came to be.
        yield { index: 0, digest }
        yield { index: 1, digest }
        yield { index: 99, digest }
      },
      destroy: async (keys, { entry } = {}) => {
        destroyed.push({ keys, entry })
        return keys
      },
    },
    intentFile: join(directory, "erasing.json"),
    openView: async () => view as unknown as LogView,
  }
  append("a.b", {}, { _sd: [digest] })
  append("a.b", {})
})
afterEach(() => rmSync(directory, { recursive: true }))

const actions = (): string[] =>
  leaves.map((leaf) => JSON.parse(Buffer.from(leaf).toString().split("\n")[1] ?? "").action)
const lastData = (): object =>
  JSON.parse(
    Buffer.from(leaves.at(-1) ?? [])
      .toString()
      .split("\n")[1] ?? "",
  ).data

test("nothing was begun: nothing happens", async () => {
  await finishErasure(world, "start")
  expect([destroyed, leaves.length]).toEqual([[], 2])
})

test("what was only intended is forgotten", async () => {
  await keepIntent(world, { size: 2, key })
  append("postern.erasure.began", { key: "4-0123456789abcdef" })
  await finishErasure(world, "start")
  expect([destroyed, existsSync(world.intentFile)]).toEqual([[], false])
})

test("what has begun is ended, and said, with the values that entries have", async () => {
  await keepIntent(world, { size: 2, key })
  const said = { key, subject: "p1:x", ground: "why", operator: "o", approvers: ["a"] }
  const began = append("postern.erasure.began", { ...said, values: 7 })
  await finishErasure(world, "start")
  expect(destroyed).toEqual([{ keys: [{ number: 3, mark: "0123456789abcdef" }], entry: began }])
  expect(actions().slice(2)).toEqual(["postern.erasure.began", "postern.erased"])
  const list = { values: 1, entries: 1, first: 0, last: 0, inside: 0 }
  expect(lastData()).toMatchObject({ ...said, ...list, began, endedBy: "start" })
  expect(existsSync(world.intentFile)).toBe(false)
})

test("what is said to be done is done", async () => {
  await keepIntent(world, { size: 2, key })
  const began = append("postern.erasure.began", { key })
  append("postern.erased", { key, began })
  await finishErasure(world, "start")
  expect([destroyed, leaves.length, existsSync(world.intentFile)]).toEqual([[], 4, false])
})

test("an intent stays until the key is destroyed", async () => {
  await keepIntent(world, { size: 2, key })
  append("postern.erasure.began", { key })
  const full = { ...world.sealed, destroy: () => Promise.reject(new Error("no room")) }
  await expect(finishErasure({ ...world, sealed: full }, "start")).rejects.toThrow("no room")
  await finishErasure(world, "next")
  expect(lastData()).toMatchObject({ endedBy: "next" })
})

test.each(["", "{}", '{"size":2}', '{"size":2,"key":"x"}', "["])(
  "an intent that is %j is damage",
  async (text) => {
    writeFileSync(world.intentFile, text)
    await expect(finishErasure(world, "start")).rejects.toMatchObject({ code: "LOG_DAMAGED" })
  },
)
