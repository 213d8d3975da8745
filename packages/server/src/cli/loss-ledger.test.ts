import { describe, expect, test } from "vitest"
import { type LedgerEntry, makeLedger, type WriterLedger } from "./loss-ledger.ts"

const port = "postern://ledger.test/log"
const app = "spiffe://ledger.test/writer/app"
const streamId = "ab".repeat(16)
const now = new Date("2026-11-22T13:00:00Z")

/** Entries of the port, one a second from noon on; the index of each is its place. */
function logOf(...said: readonly (readonly [string, Record<string, unknown>])[]): LedgerEntry[] {
  return said.map(([action, data], index) => ({
    index,
    received: new Date(Date.parse("2026-11-22T12:00:00Z") + index * 1000).toISOString(),
    writer: port,
    event: { source: port, action: `postern.${action}`, data: { writer: app, ...data } },
  }))
}

const opened = (more: object = {}) =>
  [
    "stream.opened",
    { stream: streamId, adapter: "postern", framed: true, publicKey: "k", ...more },
  ] as const
const signed = { stream: streamId, signature: "s" }
const closed = (open: number, next: number) =>
  ["stream.closed", { ...signed, open, next, reason: "writer" }] as const

function only(entries: readonly LedgerEntry[], newest = new Map<number, number>()): WriterLedger {
  const ledgers = makeLedger(entries, newest, now)
  expect(ledgers).toHaveLength(1)
  return ledgers[0] as WriterLedger
}

describe("a ledger", () => {
  test("of a stream that was ended and lost nothing says that nothing is missing", () => {
    expect(only(logOf(opened(), closed(0, 1000)))).toEqual({
      ...{ writer: app, senders: ["postern"], known: 1000, missing: 0, blind: 0 },
      ...{ isAtLeast: false, losses: [] },
    })
  })

  test("counts gaps and refused events once, with cause and remedy", () => {
    const ledger = only(
      logOf(
        opened(),
        [
          "stream.gap",
          { stream: streamId, open: 0, sequence: 10, count: 5, reason: "the spool was full" },
        ],
        [
          "refused",
          {
            code: "EVENT_SYNTAX",
            count: 3,
            stream: streamId,
            sequences: [
              [20, 22],
              [30, 31],
            ],
            first: "a",
            last: "b",
          },
        ],
        closed(0, 100),
      ),
    )
    expect(ledger).toMatchObject({ known: 100, missing: 8, blind: 0.08, isAtLeast: false })
    expect(ledger.losses).toMatchObject([
      {
        kind: "gap",
        count: 5,
        sequences: [[10, 15]],
        cause: "the spool was full",
        remedy: expect.stringContaining("spool.bytesMax"),
      },
      {
        kind: "refused",
        count: 3,
        sequences: [
          [20, 22],
          [30, 31],
        ],
        start: "a",
        end: "b",
      },
    ])
  })

  test("knows how far an open stream is from its newest entry, beat or gap", () => {
    const beat = ["stream.beat", { ...signed, open: 0, next: 50 }] as const
    expect(only(logOf(opened(), beat))).toMatchObject({ known: 50, losses: [] })
    expect(only(logOf(opened(), beat), new Map([[0, 80]]))).toMatchObject({ known: 80, losses: [] })
  })

  test("cannot say how blind it is where a sender numbers nothing", () => {
    const http = opened({ stream: "http", adapter: "http", framed: false })
    const refused = ["refused", { code: "EVENT_SYNTAX", count: 3, first: "a", last: "b" }] as const
    expect(only(logOf(http, refused))).toMatchObject({
      ...{ senders: ["http"], known: 3, missing: 3, blind: undefined },
    })
    expect(only(logOf(http, opened(), closed(1, 5))).blind).toBeUndefined()
  })

  test("counts no events where whole requests were turned away, or a writer said two things", () => {
    const ledger = only(
      logOf(
        opened(),
        ["refused", { code: "RATE_LIMITED", count: 40, first: "a", last: "b" }],
        [
          "refused",
          {
            code: "STREAM_EQUIVOCATION",
            count: 1,
            stream: streamId,
            sequences: [[4, 5]],
            first: "a",
            last: "b",
          },
        ],
        closed(0, 10),
      ),
    )
    expect(ledger).toMatchObject({ known: 10, missing: 0, blind: 0 })
    expect(ledger.losses.map(({ kind, count }) => [kind, count])).toEqual([
      ["turned away", undefined],
      ["equivocation", undefined],
    ])
  })

  test("knows that something is missing where a syslog connection was cut, and not how much", () => {
    const syslog = opened({ adapter: "syslog", framed: false })
    const cut = { adapter: "syslog", session: "s", number: 4, count: 1 }
    const ledger = only(
      logOf(
        syslog,
        ["loss", { ...cut, reason: "reset" }],
        ["loss", { ...cut, reason: "SYSLOG_TIMEOUT" }],
        ["loss", { ...cut, session: undefined, count: 7, reason: "reset" }],
      ),
    )
    expect(ledger).toMatchObject({
      senders: ["syslog"],
      missing: 0,
      blind: undefined,
      isAtLeast: true,
    })
    expect(ledger.losses.map(({ kind, count, cause }) => [kind, count, cause])).toEqual([
      ["cut", undefined, "a syslog connection was cut, after s.4: reset"],
      [
        ...["cut", undefined],
        "a syslog connection was cut, after s.4: a syslog message was not completed in time",
      ],
      ["cut", undefined, "a syslog connection was cut, 7 connections: reset"],
    ])
  })

  test("believes only what the port itself wrote", () => {
    const gap = [
      "stream.gap",
      { stream: streamId, open: 0, sequence: 0, count: 5, reason: "x" },
    ] as const
    const [first, second] = logOf(opened(), gap) as [LedgerEntry, LedgerEntry]
    const forged = { ...second, writer: app }
    expect(only([first, forged]).losses).toEqual([])
  })

  test("puts losses of the port and of strangers beside the writers'", () => {
    const ledgers = makeLedger(
      logOf(
        opened(),
        ["own.lost", { writer: undefined, count: 7 }],
        [
          "refused",
          { writer: undefined, code: "CERTIFICATE_REFUSED", count: 2, first: "a", last: "b" },
        ],
        closed(0, 1),
      ),
      new Map(),
      now,
    )
    expect(ledgers.map(({ writer, missing, blind }) => [writer, missing, blind])).toEqual([
      ["port", 7, undefined],
      [app, 0, 0],
      ["unknown", 0, undefined],
    ])
  })
})

describe("a stream that nobody ended", () => {
  const other = "cd".repeat(16)
  const beat = (open: number, next: number) => ["stream.beat", { ...signed, open, next }] as const

  test("is told of when it expired", () => {
    const expired = [
      "stream.closed",
      { stream: streamId, open: 0, next: 9, reason: "unused for seven days" },
    ] as const
    expect(only(logOf(opened(), expired))).toMatchObject({
      isAtLeast: true,
      losses: [
        {
          kind: "unfinished",
          stream: streamId,
          count: undefined,
          end: undefined,
          sequences: [[9, 9]],
        },
      ],
    })
  })

  test("is told of when a new one goes on from none and this one says nothing any more", () => {
    const log = logOf(opened(), beat(0, 9), opened({ stream: other }))
    expect(only(log).losses).toMatchObject([{ kind: "unfinished", stream: streamId, index: 1 }])
  })

  test.each([
    [
      "the new one goes on from it",
      [opened(), beat(0, 9), opened({ stream: other, previous: streamId })],
    ],
    [
      "it goes on beside the new one",
      [opened(), opened({ stream: other }), beat(0, 9), beat(1, 2)],
    ],
    ["it was signed for and rests", [opened(), beat(0, 9)]],
    ["nothing was ever in it", [opened()]],
    ["its writer cannot sign", [opened({ publicKey: undefined })]],
  ] as const)("is not told of when %s", (_, said) => {
    expect(only(logOf(...said), new Map([[0, said.length > 1 ? 9 : 0]])).losses).toEqual([])
  })

  test("is told of when its writer could sign, sent, and never did", () => {
    const log = logOf(opened())
    expect(only(log, new Map([[0, 4]])).losses).toMatchObject([{ kind: "unfinished" }])
    const young = makeLedger(log, new Map([[0, 4]]), new Date("2026-11-22T12:01:00Z"))
    expect(young[0]?.losses).toEqual([])
  })
})

describe("silence", () => {
  const silent = ["writer.silent", { cadence: "10m", since: "2026-11-22T11:00:00Z" }] as const

  test("goes on until the writer is heard", () => {
    expect(only(logOf(silent)).losses).toMatchObject([
      { kind: "silent", start: "2026-11-22T11:00:00Z", end: undefined, count: undefined },
    ])
    const log = logOf(silent, ["writer.heard", {}], silent, silent)
    expect(only(log).losses.map(({ end }) => end)).toEqual(["2026-11-22T12:00:01.000Z", undefined])
    expect(only(log).isAtLeast).toBe(true)
  })
})
