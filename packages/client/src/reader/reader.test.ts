import { describe, expect, test } from "vitest"
import type { LogEntry } from "./entry.ts"
import { HonestPort } from "./port.test.support.ts"
import { getEntry } from "./reader.ts"
import { search } from "./search.ts"
import { Trust } from "./trust.ts"

const lied = { code: "PROOF_INVALID" }

function portOf(count: number): HonestPort {
  const port = new HonestPort()
  port.append(count)
  port.published = port.leaves.length
  return port
}

/** An asker that gives these answers, one a question, and keeps the questions. */
function script(port: HonestPort, answers: readonly unknown[]) {
  const questions: URLSearchParams[] = []
  const left = [...answers]
  const asker = {
    async json(path: string) {
      if (path.startsWith("/v1/proof")) return port.json(path)
      questions.push(new URLSearchParams(path.split("?")[1]))
      return left.shift()
    },
  }
  return { asker, questions, trust: new Trust(asker, port.vkey) }
}

async function collect(entries: AsyncIterable<LogEntry>): Promise<LogEntry[]> {
  const all: LogEntry[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

describe("a search", () => {
  test("goes on from page to page until it has enough, asking for no more than it needs", async () => {
    const port = portOf(30)
    const pages = [[20, 18], [], [17, 3, 2]]
    const answers = await Promise.all(
      pages.map(async (page, i) => ({ ...(await port.page(page)), cursor: `c${i}` })),
    )
    const { asker, trust, questions } = script(port, answers)
    const query = "action:invoice.*"
    const entries = await collect(search(asker, trust, query, { limit: 4 }))
    expect(entries.map(({ index }) => index)).toEqual([20, 18, 17, 3])
    expect(entries.every(({ verified }) => verified)).toBe(true)
    expect(questions.map((asked) => [asked.get("limit"), asked.get("cursor")])).toEqual([
      ["4", null],
      ["2", "c0"],
      ["2", "c1"],
    ])
    expect(questions.every((asked) => asked.get("q") === query)).toBe(true)
  })

  test("that cannot be read is not asked", async () => {
    const { asker, trust, questions } = script(portOf(3), [])
    const asked = collect(search(asker, trust, "acton:x", {}))
    await expect(asked).rejects.toMatchObject({
      code: "QUERY_INVALID",
      slip: { suggestion: "action" },
    })
    expect(questions).toEqual([])
  })

  test("that gives an entry twice, or out of order, is found out", async () => {
    const port = portOf(30)
    for (const [order, pages] of [
      ["desc", [[5, 7]]],
      ["asc", [[7, 5]]],
      [
        "desc",
        [
          [9, 7],
          [7, 3],
        ],
      ],
      ["asc", [[3, 7], [6]]],
    ] as const) {
      const answers = await Promise.all(
        pages.map(async (page) => ({ ...(await port.page(page)), cursor: "c" })),
      )
      const { asker, trust } = script(port, answers)
      await expect(collect(search(asker, trust, "", { order }))).rejects.toMatchObject(lied)
    }
  })

  test("that comes with an older checkpoint on its second page is found out", async () => {
    const port = portOf(30)
    const first = { ...(await port.page([20])), cursor: "c" }
    port.published = 5
    const { asker, trust } = script(port, [first, await port.page([10])])
    await expect(collect(search(asker, trust, "", {}))).rejects.toMatchObject(lied)
  })
})

describe("a single entry", () => {
  async function answerOf(port: HonestPort, index: number) {
    const stream = port.streamOf(index)
    return {
      entry: port.entry(index),
      opening: port.entry(stream),
      inclusion: await port.inclusion(index),
      openingInclusion: await port.inclusion(stream),
      checkpoint: await port.note(),
    }
  }

  test("is verified with its opening", async () => {
    const port = portOf(30)
    const { asker, trust } = script(port, [await answerOf(port, 17)])
    const { entry, proven } = await getEntry(asker, trust, 17)
    expect(entry).toMatchObject({ index: 17, verified: true, writer: port.writerOf(17) })
    expect(proven?.checkpoint.size).toBe(port.published)
  })

  test("that opens its own stream needs no other", async () => {
    const port = portOf(30)
    const { opening: _, openingInclusion: __, ...answer } = await answerOf(port, 0)
    const { asker, trust } = script(port, [answer])
    expect((await getEntry(asker, trust, 0)).entry.writer).toBe("postern://postern.test/log")
  })

  test("newer than the checkpoint is given without a proof", async () => {
    const port = portOf(30)
    port.append(1)
    const { inclusion: _, ...answer } = { ...(await answerOf(port, 2)), entry: port.entry(32) }
    const { asker, trust } = script(port, [answer])
    expect(await getEntry(asker, trust, 32)).toMatchObject({ entry: { verified: false } })
  })

  type Answer = Awaited<ReturnType<typeof answerOf>>
  const lies: [string, (answer: Answer, port: HonestPort) => unknown][] = [
    ["it is another entry", (a, port) => ({ ...a, entry: port.entry(18) })],
    [
      "its leaf is changed",
      (a) => ({ ...a, entry: { ...a.entry, leaf: a.entry.leaf.replace("alice", "mallory") } }),
    ],
    ["its proof is left out", ({ inclusion: _, ...a }) => a],
    [
      "its proof is of another entry",
      async (a, port) => ({ ...a, inclusion: await port.inclusion(16) }),
    ],
    [
      "its opening is changed",
      (a) => ({
        ...a,
        opening: { ...a.opening, leaf: a.opening.leaf.replace("writer/", "writer/not-") },
      }),
    ],
    ["its opening is left out", ({ opening: _, ...a }) => a],
    ["its opening is not proven", ({ openingInclusion: _, ...a }) => a],
    ["its opening is another entry", (a, port) => ({ ...a, opening: port.entry(0) })],
    ["there is nothing", () => null],
  ]
  test.each(lies)("that lies is found out: %s", async (_, lie) => {
    const port = portOf(30)
    const { asker, trust } = script(port, [await lie(await answerOf(port, 17), port)])
    await expect(getEntry(asker, trust, 17)).rejects.toMatchObject(lied)
  })
})
