import { formatTime } from "@postern/log/event"
import { describe, expect, test } from "vitest"
import { HonestPort } from "./port.test.support.ts"
import { type SearchOptions, search, searchWhole } from "./search.ts"
import { Trust } from "./trust.ts"

const lied = { code: "PROOF_INVALID" }

function portOf(count: number): HonestPort {
  const port = new HonestPort()
  port.append(count)
  port.published = port.leaves.length
  return port
}

function trusting(port: HonestPort, answers: readonly unknown[]) {
  const left = [...answers]
  const json = async (path: string) => {
    return path.startsWith("/v1/proof") ? port.json(path) : left.shift()
  }
  return [{ json }, new Trust({ json }, port.vkey)] as const
}

/** What an honest port answers about these entries, the last ones being there as neighbours only. */
async function rangeAnswer(port: HonestPort, indexes: number[], neighbours: number[]) {
  const { entries, ...page } = await port.page([...indexes, ...neighbours])
  const completeness = { kind: "range", from: indexes[0], to: (indexes.at(-1) ?? 0) + 1 }
  return {
    ...{ ...page, completeness, size: port.leaves.length },
    entries: entries.slice(0, indexes.length),
    neighbours: entries.slice(indexes.length),
  }
}

const timeOf = (index: number) => formatTime(1_764_000_000_000_000 + index)
const oldest = { order: "asc" } as const

describe("what a port calls an answer", () => {
  test("is none if an entry does not fulfil the query", async () => {
    const port = portOf(9)
    const [asker, trust] = trusting(port, [await port.page([5])])
    const asked = search(asker, trust, "action:user.created", {}).next()
    await expect(asked).rejects.toMatchObject(lied)
  })
})

describe("the whole answer of a range", () => {
  async function ask(port: HonestPort, answer: unknown, options: SearchOptions) {
    return searchWhole(...trusting(port, [answer]), "", { ...oldest, ...options })
  }

  test("is all there is, if the entries next to it lie outside of the times", async () => {
    const port = portOf(20)
    const times = { since: timeOf(4), until: timeOf(7) }
    const answer = await rangeAnswer(port, [4, 5, 6], [3, 7])
    const { entries, completeness } = await ask(port, answer, times)
    expect(entries).toHaveLength(3)
    expect(completeness).toEqual({ kind: "range", from: 4, to: 7, whole: true })
  })

  test.each([
    ["a neighbour is kept back", [3]],
    ["the next one lies within the times", [2, 6]],
  ])("is not all there is, if %s", async (_, neighbours) => {
    const port = portOf(20)
    const indexes = neighbours.includes(6) ? [3, 4, 5] : [4, 5, 6]
    const answer = await rangeAnswer(port, indexes, neighbours)
    const { completeness } = await ask(port, answer, { since: timeOf(3), until: timeOf(7) })
    expect(completeness).toMatchObject({ kind: "range", whole: false })
  })

  test("with a hole is found out", async () => {
    const port = portOf(20)
    const asked = ask(port, await rangeAnswer(port, [4, 6], [3, 7]), {})
    await expect(asked).rejects.toMatchObject(lied)
  })

  test("with another leaf for a neighbour is found out", async () => {
    const port = portOf(20)
    const answer = await rangeAnswer(port, [4, 5, 6], [3, 7])
    const [before, after] = answer.neighbours
    const neighbours = [{ ...before, leaf: after?.leaf }, after]
    const asked = ask(port, { ...answer, neighbours }, { since: timeOf(4) })
    await expect(asked).rejects.toMatchObject(lied)
  })

  test("is not shown while no checkpoint covers all of it", async () => {
    const port = portOf(20)
    port.published = 6
    const { completeness } = await ask(port, await rangeAnswer(port, [4, 5, 6], [3, 7]), {})
    expect(completeness).toMatchObject({ kind: "none" })
  })
})

describe("the whole answer of a stream", () => {
  async function ask(port: HonestPort, indexes: number[]) {
    const completeness = { kind: "stream", stream: 1, first: 0, last: 0 }
    const answer = { ...(await port.page(indexes)), completeness, size: port.leaves.length }
    return searchWhole(...trusting(port, [answer]), "stream:1", oldest)
  }

  test("has every sequence, whatever the port says of it", async () => {
    const { completeness } = await ask(portOf(20), [2, 3, 4])
    expect(completeness).toEqual({ kind: "stream", stream: 1, first: 2, last: 4 })
  })

  test("with a hole is found out", async () => {
    await expect(ask(portOf(20), [2, 4])).rejects.toMatchObject(lied)
  })
})

describe("a long answer", () => {
  /** Pages of a thousand entries with these sequences, each proven: how that is done has its own tests. */
  async function askFor(sequences: readonly number[]) {
    const pages = Math.ceil(sequences.length / 1000)
    let page = 0
    const json = async () => {
      page += 1
      return { completeness: { kind: "stream" }, ...(page < pages && { cursor: "more" }) }
    }
    const readPage = async () =>
      sequences.slice((page - 1) * 1000, page * 1000).map((sequence, i) => {
        return { index: page * 1000 + i, stream: 1, sequence, verified: true }
      })
    const trust = { size: 0, readPage } as unknown as Trust
    return searchWhole({ json }, trust, "", { ...oldest, limit: sequences.length })
  }

  test("is whole whatever its length", async () => {
    const { completeness } = await askFor(Array.from({ length: 200_000 }, (_, i) => i))
    expect(completeness).toEqual({ kind: "stream", stream: 1, first: 0, last: 199_999 })
  })

  test("is not made whole by an entry that is there twice", async () => {
    await expect(askFor([4, 5, 5, 7])).rejects.toMatchObject(lied)
  })
})
