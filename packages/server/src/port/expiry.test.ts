import { expect, test } from "vitest"
import { expireStreams } from "./expiry.ts"
import type { OwnEntry } from "./own-stream.ts"
import { type Stream, StreamTable } from "./sequencer/index.ts"
import { streamOf } from "./session/sessions.test.support.ts"

test("a stream that nobody used for long ends with an entry; one that is held or young stays", () => {
  const table = new StreamTable()
  const entries: OwnEntry[] = []
  const own = { record: (entry: OwnEntry) => void entries.push(entry) }
  const [idle, held, young] = [1, 2, 3].map((open) => streamOf(open, `${open}`.repeat(32)))
  const adapter: Stream = { ...streamOf(4), id: "http", framed: false }
  for (const stream of [idle, held, young, adapter]) if (stream !== undefined) table.add(stream)
  if (young !== undefined) young.lastUsed = 1000
  expireStreams(table, own, 1000, (stream) => stream === held)
  expect([...table.values()].map(({ open }) => open)).toEqual([2, 3, 4])
  expect(entries).toMatchObject([
    {
      action: "postern.stream.closed",
      data: { stream: idle?.id, open: 1, next: 0, reason: "unused for seven days" },
    },
  ])
  expireStreams(table, own, 1001, () => false)
  expect([...table.values()].map(({ open }) => open)).toEqual([4])
})
