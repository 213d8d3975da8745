import { describe, expect, test } from "vitest"
import type { OwnEntry } from "./own-stream.ts"
import { Refusals } from "./refusals.ts"

const writer = "spiffe://refusals.test/writer/w"
const peer = { id: writer, from: "192.0.2.1:1000" }
const stream = "00112233445566778899aabbccddeeff"

/** Refusals with a clock that stands still until it is set, and what they wrote. */
function begin() {
  const clock = { now: 1_000_000, milliseconds: () => clock.now }
  const entries: OwnEntry[] = []
  const refusals = new Refusals({ record: (entry) => void entries.push(entry) }, clock)
  /** Time passes as in the port, where somebody flushes every second. */
  const pass = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) {
      clock.now += 1000
      refusals.flush()
    }
  }
  const written = () => entries.splice(0).map(({ data }) => data)
  return { clock, refusals, pass, written, entries }
}

describe("what is refused", () => {
  test("is an entry at once, with who, why, where and when", () => {
    const { refusals, entries } = begin()
    refusals.add(peer, "EVENT_SYNTAX", {
      count: 2,
      stream,
      sequences: [
        [4, 5],
        [5, 6],
      ],
      detail: "x",
    })
    const time = new Date(1_000_000).toISOString()
    expect(entries).toEqual([
      {
        action: "postern.refused",
        outcome: "denied",
        yields: true,
        targets: [{ type: "writer", id: writer }],
        data: {
          ...{ writer, from: peer.from, code: "EVENT_SYNTAX", count: 2, first: time, last: time },
          ...{ stream, sequences: [[4, 6]], sequencesComplete: undefined, detail: "x" },
        },
      },
    ])
  })

  test("is counted for a second, and then written once for all", () => {
    const { clock, refusals, pass, written } = begin()
    refusals.add(peer, "EVENT_SYNTAX", { count: 1, stream, sequences: [[0, 1]] })
    expect(written()).toHaveLength(1)
    for (let i = 1; i <= 500; i++) {
      clock.now += 1
      refusals.add(peer, "EVENT_SYNTAX", { count: 1, stream, sequences: [[2 * i, 2 * i + 1]] })
    }
    expect(written()).toEqual([])
    pass(1)
    const [entry, ...more] = written()
    expect(more).toEqual([])
    expect(entry).toMatchObject({ count: 500, stream, sequencesComplete: false })
    expect(entry?.sequences).toHaveLength(64)
    expect(entry?.first).toBe(new Date(1_000_001).toISOString())
    expect(entry?.last).toBe(new Date(1_000_500).toISOString())
    expect(refusals.total).toBe(501)
    pass(3)
    expect(written()).toEqual([])
  })

  test("is told apart by writer and by code", () => {
    const { refusals, written } = begin()
    const other = { id: `${writer}2`, from: peer.from }
    for (let i = 0; i < 3; i++) {
      refusals.add(peer, "EVENT_SYNTAX")
      refusals.add(peer, "EVENT_UTF8")
      refusals.add(other, "EVENT_UTF8")
    }
    expect(written().map(({ writer: who, code }) => [who, code])).toEqual([
      [writer, "EVENT_SYNTAX"],
      [writer, "EVENT_UTF8"],
      [`${writer}2`, "EVENT_UTF8"],
    ])
  })

  test("by two streams in one second says that not all sequences are in the entry", () => {
    const { refusals, pass, written } = begin()
    refusals.add(peer, "EVENT_SYNTAX")
    written()
    refusals.add(peer, "EVENT_SYNTAX", { count: 1, stream, sequences: [[1, 2]] })
    refusals.add(peer, "EVENT_SYNTAX", { count: 1, stream: "other", sequences: [[7, 8]] })
    pass(1)
    expect(written()).toMatchObject([
      { count: 2, stream, sequences: [[1, 2]], sequencesComplete: false },
    ])
  })

  test("of a stranger is counted by address, whatever the port", () => {
    const { refusals, pass, written } = begin()
    for (const from of ["192.0.2.9:1", "192.0.2.9:2", "[2001:db8::1]:3", "[2001:db8::1]:4"]) {
      refusals.add({ from, stranger: true }, "TLS_HANDSHAKE")
    }
    expect(written()).toMatchObject([
      { from: "192.0.2.9:1", count: 1 },
      { from: "[2001:db8::1]:3" },
    ])
    pass(1)
    expect(written()).toHaveLength(2)
  })

  test("holds no more of a peer's text than 200 characters", () => {
    const { refusals, written } = begin()
    refusals.add(peer, "ALPN_REFUSED", { count: 1, detail: "x".repeat(5000) })
    expect(written()).toMatchObject([{ detail: "x".repeat(200) }])
  })
})

describe("a flood of strangers", () => {
  test("makes no more entries than the table has places, and hides no writer", () => {
    const { clock, refusals, pass, written } = begin()
    for (let second = 0; second < 3; second++) {
      for (let i = 0; i < 5000; i++) {
        clock.now += i % 5 === 0 ? 1 : 0
        const from = `[2001:db8::${second}:${i.toString(16)}]:1`
        refusals.add({ from, stranger: true }, "TLS_HANDSHAKE")
      }
      refusals.add(peer, "EVENT_SYNTAX")
      const entries = written()
      expect(entries.length).toBeLessThanOrEqual(131)
      expect(entries.filter((entry) => entry.writer === writer)).toHaveLength(1)
      pass(2)
      const rest = written()
      expect(rest.filter((entry) => entry.from === "others")).toHaveLength(1)
      expect(rest.length).toBeLessThanOrEqual(130)
    }
    expect(refusals.total).toBe(15_003)
  })

  test("is counted to the last one", () => {
    const { refusals, pass, written } = begin()
    for (let i = 0; i < 2000; i++) {
      refusals.add({ from: `10.0.${i >> 8}.${i & 255}:1`, stranger: true }, "TLS_HANDSHAKE")
    }
    pass(3)
    const count = written().reduce((sum, entry) => sum + Number(entry.count), 0)
    expect(count).toBe(2000)
  })
})

test("the table forgets who has gone quiet", () => {
  const { refusals, pass, written } = begin()
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 100; i++) refusals.add({ id: `w${round}-${i}`, from: "x:1" }, "EVENT_UTF8")
    pass(2)
  }
  expect(written().filter(({ from }) => from === "others")).toEqual([])
})

test("a clock that is set back delays nothing", () => {
  const { clock, refusals, pass, written } = begin()
  refusals.add(peer, "EVENT_SYNTAX")
  clock.now -= 3_600_000
  refusals.add(peer, "EVENT_SYNTAX")
  pass(1)
  expect(written()).toHaveLength(2)
})

test("at the end everything that is still counted is written", () => {
  const { refusals, written } = begin()
  for (let i = 0; i < 3; i++) refusals.add(peer, "EVENT_SYNTAX")
  expect(written()).toMatchObject([{ count: 1 }])
  refusals.flush()
  expect(written()).toEqual([])
  refusals.flush(true)
  expect(written()).toMatchObject([{ count: 2 }])
  refusals.flush(true)
  expect(written()).toEqual([])
})
