import { expect, test } from "vitest"
import { Doubts } from "./doubts.ts"
import { peer } from "./lives.test.support.ts"
import type { OwnEntry } from "./own-stream.ts"

const doubt = { code: "PROOF_INVALID", detail: "what is wrong", note: "a note" }

test("doubts are entries in the writer's words, one a second for each writer", () => {
  const entries: OwnEntry[] = []
  const doubts = new Doubts({ record: (entry) => void entries.push(entry) })
  expect(doubts.add(peer, doubt, 1000)).toBe(true)
  expect(doubts.add(peer, doubt, 1999)).toBe(false)
  expect(doubts.add({ ...peer, id: "other" }, doubt, 1999)).toBe(true)
  expect(doubts.add(peer, doubt, 2000)).toBe(true)
  expect(doubts.add(peer, doubt, 500)).toBe(true) // The clock went back.
  expect(entries).toHaveLength(4)
  expect(entries[0]).toMatchObject({
    action: "postern.writer.doubt",
    data: { writer: peer.id, session: "s", from: "x:1", ...doubt },
  })
})

test("what is remembered of writers is bounded", () => {
  const entries: OwnEntry[] = []
  const doubts = new Doubts({ record: (entry) => void entries.push(entry) })
  for (let n = 0; n < 3000; n++) doubts.add({ ...peer, id: `w${n}` }, doubt, 1000)
  expect(entries).toHaveLength(3000)
  expect(doubts.add({ ...peer, id: "w2999" }, doubt, 1000)).toBe(false)
  expect(doubts.add({ ...peer, id: "w0" }, doubt, 1000)).toBe(true)
})
