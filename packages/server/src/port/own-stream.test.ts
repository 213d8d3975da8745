import { encodeUtf8 } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { describe, expect, test } from "vitest"
import { splitRecords } from "../disk/index.ts"
import { decodeSlotHeader, noPeaks } from "../disk/slots.test.support.ts"
import { clock } from "./commits.test.support.ts"
import { OwnStream } from "./own-stream.ts"
import { Sequencer } from "./sequencer/index.ts"
import { batchOf, memory, place } from "./sequencer/placing.test.support.ts"
import type { SlotOwner } from "./slot-owner.ts"

const origin = "own.test/log"

function begin(size = 0) {
  const end = { slot: 0, size, previous: new Uint8Array(32), frontier: noPeaks }
  const sequencer = new Sequencer<SlotOwner>(memory, end)
  const kicks = { count: 0 }
  const own = new OwnStream(memory, sequencer, { ...clock, milliseconds: () => 0 }, origin, () => {
    kicks.count += 1
  })
  const fill = (): void => {
    const events = [new Uint8Array(65_000)]
    while (sequencer.fits(1, 65_004)) place(sequencer, batchOf({ events }), undefined)
    const small = [new Uint8Array(1)]
    while (sequencer.fits(1, 100)) place(sequencer, batchOf({ events: small }), undefined)
  }
  const seal = () => {
    const { bytes } = sequencer.seal(0, new Uint8Array(0))
    const { header } = decodeSlotHeader(bytes) ?? {}
    const leaves = splitRecords(bytes.subarray(256, 256 + (header?.recordsBytes ?? 0))) ?? []
    return leaves.filter((leaf) => leaf.includes(0x7b, 80)).map(parseEntry)
  }
  return { own, sequencer, kicks, fill, seal }
}

const entry = { action: "postern.test", outcome: "success", data: { n: 1 } } as const

describe("the port's own stream", () => {
  test("opens itself with its first entry, whatever stands before", () => {
    const { own, seal, kicks } = begin(70)
    const indexes: number[] = []
    for (let n = 0; n < 3; n++) own.record({ ...entry, placed: (index) => indexes.push(index) })
    expect(own.open).toBe(70)
    expect(indexes).toEqual([70, 71, 72])
    expect(kicks.count).toBe(3)
    const entries = seal()
    expect(entries.map(({ stamp }) => [stamp.open, stamp.sequence])).toEqual([
      [70, 0],
      [70, 1],
      [70, 2],
    ])
    expect(entries[0]?.event).toEqual({
      ...{ id: "id", time: "1970-01-01T00:00:00.000Z", source: `postern://${origin}` },
      ...{ action: "postern.test", outcome: "success", actor: { type: "system", id: "port" } },
      ...{ targets: [], data: { n: 1 } },
    })
  })

  test("waits in order while there is no room, and goes in as soon as there is", () => {
    const { own, seal, fill, kicks } = begin()
    fill()
    const placed: number[] = []
    for (let n = 0; n < 5; n++) {
      own.record({ ...entry, data: { n }, placed: () => placed.push(n) })
    }
    expect(placed).toEqual([])
    expect(kicks.count).toBe(0)
    seal()
    own.placeWaiting()
    expect(placed).toEqual([0, 1, 2, 3, 4])
    expect(seal().map(({ event }) => event.data)).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })))
  })

  test("does not overtake what waits", () => {
    const { own, seal, fill } = begin()
    fill()
    const placed: number[] = []
    const long = { ...entry, data: { text: "x".repeat(3000) } }
    own.record(long)
    own.record({ ...entry, data: { n: 2 }, placed: (index) => placed.push(index) })
    expect(placed).toEqual([])
    seal()
    own.record({ ...entry, data: { n: 3 } })
    const [first, ...rest] = seal()
    expect(JSON.stringify(first?.event.data).length).toBeGreaterThan(3000)
    expect(rest.map(({ event }) => event.data)).toEqual([{ n: 2 }, { n: 3 }])
  })

  test("counts what peers cause and finds no room even to wait, and says so; what the log says of itself waits", () => {
    const { own, seal, fill } = begin()
    fill()
    for (let n = 0; n < 5000; n++) own.record({ ...entry, yields: true, data: { n } })
    own.record({ ...entry, data: { mine: true } })
    const entries: ReturnType<typeof seal> = []
    for (let i = 0; i < 4; i++) {
      seal()
      own.placeWaiting()
      entries.push(...seal())
      own.placeWaiting()
    }
    expect(entries.slice(0, 4096).map(({ event }) => event.data)).toEqual(
      Array.from({ length: 4096 }, (_, n) => ({ n })),
    )
    expect(entries.slice(4096).map(({ event }) => [event.action, event.data])).toEqual([
      [entry.action, { mine: true }],
      ["postern.own.lost", { count: 904 }],
    ])
  })

  test("is text that any reader understands, whatever was said by a peer", () => {
    const { own, seal } = begin()
    const data = { detail: '\u0000"\\\u001b[31m\u2028\ud800 \u202e', ["__proto__"]: 1 }
    own.record({ ...entry, data })
    const text = Buffer.from(seal()[0]?.eventBytes ?? encodeUtf8("")).toString()
    expect(text).not.toContain("\u0000")
    expect(text).not.toContain("\u001b")
    expect(JSON.parse(text).data.detail).toContain("[31m")
  })
})
