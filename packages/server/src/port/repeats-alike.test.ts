import { encodeUtf8, limits } from "@postern/log/base"
import { expect, test } from "vitest"
import { makePatterns, type WriterGrant } from "../access/index.ts"
import { Examination } from "./examination.ts"
import { Repeats } from "./repeats.ts"
import { RecentIds } from "./sequencer/index.ts"
import { load, memory } from "./sequencer/placing.test.support.ts"

const { core, body } = memory
const grant: WriterGrant = {
  ...{ id: "w", adapters: new Set(["http"]), internal: false },
  ...{ sources: makePatterns(["*"]), actions: makePatterns(["*"]) },
  ...{ eventsPerSecond: undefined, bytesPerSecond: undefined },
  eventBytesMax: limits.entryBytesMax,
}
const eventOf = (id: string) => {
  const required = { id, time: "2026-11-22T12:00:00Z", source: "app://a", action: "a.b" }
  const rest = { outcome: "success", actor: { type: "user", id: "u" }, targets: [] }
  return encodeUtf8(JSON.stringify({ ...required, ...rest }))
}

/** Two ids whose keys begin with the same word. */
function findAlike(recent: RecentIds): [string, string] {
  const seen = new Map<number, string>()
  for (let number = 0; number < 2_000_000; number++) {
    const id = String(number)
    core.memory.set(encodeUtf8(id), body)
    const end = body + id.length
    const { high } = recent.look("w", { at: body, end }, { at: body, end: body })
    const other = seen.get(high)
    if (other !== undefined) return [other, id]
    seen.set(high, id)
  }
  throw new Error("no two ids are alike")
}

test("ids whose keys begin alike are told apart within a body, and their copies found", () => {
  const recent = new RecentIds(new Uint8Array(16).fill(9), memory)
  const examination = new Examination(memory)
  const [one, other] = findAlike(recent)
  load([one, other, one, other, one].map(eventOf))
  examination.judgeBody(5, grant, [], () => true)
  const repeats = new Repeats(recent, examination, { peer: { id: "w" }, changed: 0 })
  repeats.leaveOut(5)
  expect([0, 1, 2, 3, 4].map((row) => examination.isAccepted(row))).toEqual([
    ...[true, true],
    ...[false, false, false],
  ])
  expect(repeats.placed([0, 1], 70)).toEqual([
    { position: 2, index: 70 },
    { position: 3, index: 71 },
    { position: 4, index: 70 },
  ])
  expect(repeats.reused).toBeUndefined()
})
