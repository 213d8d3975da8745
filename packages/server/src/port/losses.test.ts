import { describe, expect, test } from "vitest"
import { Losses } from "./losses.ts"
import type { OwnEntry } from "./own-stream.ts"

const writer = "spiffe://losses.test/writer/w"
const loss = { number: 4, reason: "reset", unfinishedBytes: 3 } as const

function begin() {
  const clock = { now: 1_000_000, milliseconds: () => clock.now }
  const entries: OwnEntry[] = []
  const losses = new Losses({ record: (entry) => void entries.push(entry) }, clock)
  const cut = (session: string): void =>
    losses.add({ id: writer, certificate: "", from: "192.0.2.1:1000", session }, loss)
  return { clock, entries, losses, cut }
}

describe("connections that were cut", () => {
  test("are an entry each, at once, that leaves room for what matters more", () => {
    const { entries, losses, cut } = begin()
    cut("s1")
    cut("s2")
    const time = new Date(1_000_000).toISOString()
    expect(entries[0]).toEqual({
      ...{ action: "postern.loss", outcome: "unknown", yields: true },
      targets: [{ type: "writer", id: writer }],
      data: {
        ...{ writer, adapter: "syslog", from: "192.0.2.1:1000", session: "s1", ...loss },
        ...{ count: 1, first: time, last: time },
      },
    })
    expect(entries.map(({ data }) => data.session)).toEqual(["s1", "s2"])
    expect(losses.total).toBe(2)
  })

  test("are counted together beyond so many a second, and none is left out", () => {
    const { clock, entries, losses, cut } = begin()
    for (let i = 0; i < 1_000; i++) cut(`s${i}`)
    expect(entries.length).toBeLessThan(140)
    clock.now += 1_000
    losses.flush()
    expect(entries.reduce((sum, { data }) => sum + Number(data.count), 0)).toBe(1_000)
    expect(entries.at(-1)?.data).toMatchObject({ session: undefined, writer, reason: "reset" })
    losses.flush()
    cut("later")
    expect(entries.at(-1)?.data).toMatchObject({ session: "later", number: 4 })
  })
})
