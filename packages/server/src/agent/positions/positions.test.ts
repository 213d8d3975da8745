import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { CleanPoint, type FileMark, formatSnapshot, formatStep, replay } from "./index.ts"

const mark = (id: number, offset: number, skip = 0): FileMark => {
  return {
    ...{ id, offset, skip },
    path: `/var/log/${id}`,
    inode: "7",
    print: "00ff",
    printedAt: 0,
  }
}
const step = (id: number, offset: number, skip: number, events: number) => {
  return formatStep({ file: { id, place: { offset, skip } }, events })
}
const places = (text: string, spooled: number) =>
  replay(text, spooled)?.files.map(({ id, offset, skip }) => [id, offset, skip])

describe("after a crash", () => {
  const text =
    formatSnapshot({ taken: 10, files: [mark(1, 100), mark(2, 50, 1)] }) +
    step(1, 180, 0, 4) +
    step(2, 50, 3, 2) +
    formatStep({ events: 1 }) +
    step(1, 300, 1, 6)

  it.each([
    [10, [100, 0], [50, 1]],
    [11, [100, 1], [50, 1]],
    [13, [100, 3], [50, 1]],
    [14, [180, 0], [50, 1]],
    [15, [180, 0], [50, 2]],
    [16, [180, 0], [50, 3]],
    [17, [180, 0], [50, 3]],
    [22, [180, 5], [50, 3]],
    [23, [300, 1], [50, 3]],
  ])("a spool with %i events goes on from there", (spooled, one, two) => {
    expect(places(text, spooled)).toEqual([
      [1, ...one],
      [2, ...two],
    ])
  })

  it("a spool that is new, or went back, begins at the snapshot", () => {
    expect(places(text, 0)).toEqual([
      [1, 100, 0],
      [2, 50, 1],
    ])
  })

  it("a line that was cut, and what follows it, was not begun", () => {
    const cut = text.slice(0, text.indexOf('{"file":2') + 9)
    expect(places(`${cut}\n${step(1, 999, 0, 1)}`, 14)).toEqual([
      [1, 180, 0],
      [2, 50, 1],
    ])
  })

  it("events whose lines went with the power are skipped if it is clear where", () => {
    const one = formatSnapshot({ taken: 5, files: [mark(1, 10)] }) + step(1, 20, 0, 2)
    expect(places(one, 9)).toEqual([[1, 20, 2]])
    expect(places(text, 30)).toEqual([
      [1, 300, 1],
      [2, 50, 3],
    ])
  })

  it.each(["", "{}", "\n", '{"positions":2,"taken":0,"files":[]}\n', "\0".repeat(4096)])(
    "what is no journal gives nothing: %j",
    (bad) => {
      expect(replay(bad, 0)).toBeUndefined()
    },
  )

  it("makes something of any bytes, and throws for none", () => {
    const junk = fc.oneof(fc.string(), fc.json(), fc.constantFrom('{"file":1}', '{"events":-1}'))
    fc.assert(
      fc.property(fc.array(junk), fc.nat(), (lines, spooled) => {
        const whole = replay(text + lines.join("\n"), spooled)
        expect(whole?.files).toHaveLength(2)
        replay(lines.join("\n"), spooled)
      }),
    )
  })
})

/** A reader of files that is killed at any moment, as the driver uses the journal: no event twice, none left out. */
it("each event of each file is handed on once, wherever the reader is killed", () => {
  const file = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 })
  const life = fc.record({
    steps: fc.array(fc.record({ file: fc.nat(1), records: fc.integer({ min: 1, max: 5 }) })),
    snapshotEvery: fc.integer({ min: 1, max: 6 }),
    kept: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  fc.assert(
    fc.property(fc.tuple(file, file), fc.array(life, { maxLength: 6 }), (files, lives) => {
      const spool: string[] = []
      let journal = formatSnapshot({ taken: 0, files: [mark(0, 0), mark(1, 0)] })
      const last = { steps: [0, 1].map((id) => ({ file: id, records: 99 })), kept: 1 }
      for (const { steps, snapshotEvery = 99, kept } of [
        ...lives,
        last,
      ] as (typeof life extends fc.Arbitrary<infer T> ? T : never)[]) {
        const found = replay(journal, spool.length)
        const marks = found?.files.map((one) => ({ ...one })) ?? []
        journal = formatSnapshot({ taken: spool.length, files: marks })
        const confirmed = spool.length
        for (const [at, { file: id, records }] of steps.entries()) {
          const own = marks[id] as { offset: number; skip: number }
          const events: string[] = []
          const to = Math.min(own.offset + records, files[id]?.length ?? 0)
          // Record n gives so many events; those handed on before are left out.
          for (let n = own.offset; n < to; n++) {
            for (let e = 0; e < (files[id]?.[n] ?? 0); e++) events.push(`${id}.${n}.${e}`)
          }
          const rest = events.slice(own.skip)
          Object.assign(own, { offset: to, skip: Math.max(0, own.skip - events.length) })
          journal += step(id, own.offset, own.skip, rest.length)
          spool.push(...rest)
          const isDue = at % snapshotEvery === 0
          if (isDue && kept === 1)
            journal = formatSnapshot({ taken: spool.length, files: marks as FileMark[] })
        }
        // The spool holds what was written of it when the process was killed.
        if (kept < 1) spool.length = confirmed + Math.floor((spool.length - confirmed) * kept)
      }
      const all = files.flatMap((own, id) =>
        own.flatMap((count, n) => Array.from({ length: count }, (_, e) => `${id}.${n}.${e}`)),
      )
      expect([...spool].sort()).toEqual(all.sort())
    }),
  )
})

describe("a clean point", () => {
  it("moves with each record of a decoder that holds nothing", () => {
    const point = new CleanPoint(100)
    point.take(11)
    point.give(1, 11)
    point.settle()
    expect(point).toMatchObject({ offset: 111, end: 111, skip: 0, holds: false })
  })

  it("stays where a decoder began to hold, and counts what it gives meanwhile", () => {
    const point = new CleanPoint(0)
    for (const [take, give] of [
      [10, 0],
      [20, 10],
      [30, 0],
      [5, 20],
    ] as const) {
      point.take(take)
      if (give > 0) point.give(1, give)
      point.settle()
    }
    expect(point).toMatchObject({ offset: 0, end: 65, skip: 2, holds: true })
    point.take(1)
    point.give(2, 36)
    point.settle()
    expect(point).toMatchObject({ offset: 66, skip: 0, holds: false })
  })
})
