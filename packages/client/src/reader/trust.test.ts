import { isPosternError } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { HonestPort } from "./port.test.support.ts"
import { Trust } from "./trust.ts"

function portOf(count: number): HonestPort {
  const port = new HonestPort()
  port.append(3, "app")
  port.append(count, "web")
  port.append(2, "app")
  port.published = port.leaves.length
  return port
}

const trustIn = (port: HonestPort, remembered?: string) => new Trust(port, port.vkey, remembered)

describe("a page", () => {
  test("of an honest port is verified, with the writer that the opening names", async () => {
    const port = portOf(40)
    const entries = await trustIn(port).readPage(await port.page([7, 3, 46, 1]), 0)
    expect(entries.map(({ index, verified, writer }) => [index, verified, writer])).toEqual(
      [7, 3, 46, 1].map((index) => [index, true, port.writerOf(index)]),
    )
    expect(entries[0]?.leaf).toBe(port.leaves[7])
    expect(entries[1]?.received).toBe("2025-11-24T16:00:00.000003Z")
  })

  test("is verified as far as its checkpoint goes", async () => {
    const port = portOf(10)
    const size = port.leaves.length
    port.append(3)
    const entries = await trustIn(port).readPage(await port.page([size + 1, size, size - 1]), 0)
    expect(entries.map(({ verified }) => verified)).toEqual([false, false, true])
  })

  test("before the first checkpoint is not verified, and says so", async () => {
    const port = portOf(10)
    const { entries, openings } = await port.page([4, 5])
    const read = await trustIn(port).readPage({ entries, openings }, 0)
    expect(read.map(({ verified }) => verified)).toEqual([false, false])
  })

  test("believes nothing of an entry but index and leaf", async () => {
    const port = portOf(10)
    const page = await port.page([4])
    const lies = {
      received: "1999",
      writer: "somebody",
      stream: 99,
      sequence: 99,
      event: { action: "lie" },
    }
    const [entry] = await trustIn(port).readPage(
      { ...page, entries: [{ ...page.entries[0], ...lies }] },
      0,
    )
    expect(entry).toMatchObject({ writer: port.writerOf(4), stream: port.streamOf(4) })
    expect(entry?.event.action).not.toBe("lie")
  })

  type Page = Awaited<ReturnType<HonestPort["page"]>>
  const lies: [string, (page: Page, port: HonestPort) => unknown][] = [
    [
      "a leaf is changed",
      (p) => ({
        ...p,
        entries: p.entries.map((e) => ({ ...e, leaf: e.leaf.replace("alice", "mallory") })),
      }),
    ],
    [
      "an index is changed",
      (p) => ({ ...p, entries: p.entries.map((e) => ({ ...e, index: e.index + 1 })) }),
    ],
    [
      "two entries change places",
      (p) => ({
        ...p,
        entries: p.entries.map((e, i) => ({ ...e, index: p.entries[1 - i]?.index })),
      }),
    ],
    [
      "one index has two leaves",
      (p) => ({
        ...p,
        entries: [
          { ...p.entries[0], leaf: p.entries[0]?.leaf.replace("alice", "mallory") },
          ...p.entries,
        ],
      }),
    ],
    [
      "an opening has a second leaf",
      (p) => ({
        ...p,
        openings: [
          ...p.openings,
          { ...p.openings[0], leaf: p.openings[0]?.leaf.replace("writer/", "writer/not-") },
        ],
      }),
    ],
    [
      "an opening is changed",
      (p) => ({
        ...p,
        openings: p.openings.map((e) => ({ ...e, leaf: e.leaf.replace("writer/", "writer/not-") })),
      }),
    ],
    [
      "an opening is left out",
      (p, port) => ({ ...p, openings: [], proof: port.proof(p.entries.map(({ index }) => index)) }),
    ],
    ["an entry is left out of the proof", (p) => ({ ...p, entries: p.entries.slice(1) })],
    ["the proof is left out", ({ proof: _, ...p }) => p],
    ["the proof is empty", (p) => ({ ...p, proof: { ...p.proof, path: [] } })],
    [
      "the proof is too long",
      (p) => ({ ...p, proof: { ...p.proof, path: [...p.proof.path, p.proof.path[0]] } }),
    ],
    [
      "the proof is of another size",
      (p) => ({ ...p, proof: { ...p.proof, size: p.proof.size - 1 } }),
    ],
    [
      "a hash is not base64",
      (p) => ({ ...p, proof: { ...p.proof, path: p.proof.path.map(() => "!") } }),
    ],
    [
      "a hash is too short",
      (p) => ({ ...p, proof: { ...p.proof, path: p.proof.path.map(() => "AAAA") } }),
    ],
    ["entries are missing", ({ entries: _, ...p }) => p],
    ["an entry is no object", (p) => ({ ...p, entries: [null] })],
    [
      "an index is negative",
      (p) => ({ ...p, entries: p.entries.map((e) => ({ ...e, index: -1 })) }),
    ],
    ["there is nothing", () => null],
  ]
  test.each(lies)("that lies is refused: %s", async (_, lie) => {
    const port = portOf(20)
    const page = lie(await port.page([10, 12]), port)
    await expect(trustIn(port).readPage(page, 0)).rejects.toMatchObject({ code: "PROOF_INVALID" })
  })

  test("changed anywhere at random shows no entry as verified that is not in the log", async () => {
    const port = portOf(30)
    const honest = JSON.stringify(await port.page([5, 9, 28, 3]))
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.nat(honest.length - 1), fc.constantFrom(...'0123456789abcdefAZ"{}[],:=\\n')),
          {
            minLength: 1,
            maxLength: 3,
          },
        ),
        async (changes) => {
          const letters = [...honest]
          for (const [at, letter] of changes) letters[at] = letter
          const page = parse(letters.join(""))
          try {
            for (const entry of await trustIn(port).readPage(page, 0)) {
              if (!entry.verified) continue
              expect(entry.leaf).toBe(port.leaves[entry.index])
              expect(entry.writer).toBe(port.writerOf(entry.index))
            }
          } catch (error) {
            if (!isPosternError(error)) throw error
          }
        },
      ),
      { numRuns: 400 },
    )
  })
})

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // The connection would have refused it: it is not JSON.
  }
}

describe("checkpoints", () => {
  test("that grow are believed, whatever the order in which they come", async () => {
    const port = portOf(300)
    const trust = trustIn(port)
    const sizes = [7, 256, 257, 100, 305, 7]
    for (const size of sizes) {
      const { size: found } = await trust.believe(await port.note(size))
      expect(found).toBe(size)
    }
    expect(trust.size).toBe(305)
  })

  test("by another key are refused", async () => {
    const port = portOf(3)
    const page = await port.page([2])
    const other = new Trust(port, new HonestPort().vkey)
    await expect(other.readPage(page, 0)).rejects.toMatchObject({ code: "NOTE_INVALID" })
    const changed = { ...page, checkpoint: page.checkpoint.replace(/\n\d+\n/, "\n9\n") }
    await expect(trustIn(port).readPage(changed, 0)).rejects.toMatchObject({ code: "NOTE_INVALID" })
  })

  test("of two histories are refused, though both are signed", async () => {
    const port = portOf(50)
    const fork = new HonestPort(port)
    fork.append(90, "other")
    fork.published = fork.leaves.length
    const sameSize = await fork.note(port.published)
    const larger = await fork.note()
    for (const note of [sameSize, larger]) {
      const trust = trustIn(port)
      await trust.believe(await port.note())
      await expect(trust.believe(note)).rejects.toMatchObject({ code: "PROOF_INVALID" })
    }
    const trust = new Trust(fork, port.vkey)
    await trust.believe(await port.note())
    await expect(trust.believe(larger)).rejects.toMatchObject({ code: "PROOF_INVALID" })
  })

  test("that were remembered from an earlier day must be continued", async () => {
    const port = portOf(50)
    const remembered = await port.note(20)
    await expect(trustIn(port, remembered).believe(await port.note())).resolves.toBeDefined()
    const fork = new HonestPort(port)
    fork.append(60, "other")
    fork.published = fork.leaves.length
    const trust = new Trust(fork, port.vkey, remembered)
    await expect(trust.believe(await fork.note())).rejects.toMatchObject({ code: "PROOF_INVALID" })
  })

  test("are told when they are new, and only then", async () => {
    const port = portOf(50)
    const told: string[] = []
    const trust = new Trust(port, port.vkey, undefined, (note) =>
      told.push(note.split("\n")[1] ?? ""),
    )
    for (const size of [5, 5, 30, 10, 40]) await trust.believe(await port.note(size))
    expect(told).toEqual(["5", "30", "40"])
  })

  test("cannot be held back once a newer one was shown", async () => {
    const port = portOf(50)
    const trust = trustIn(port)
    await trust.believe(await port.note(40))
    const atLeast = trust.size
    port.published = 20
    const old = await port.page([30])
    await expect(trust.readPage(old, atLeast)).rejects.toMatchObject({ code: "PROOF_INVALID" })
    const { checkpoint: _, proof: __, ...bare } = old
    await expect(trust.readPage(bare, atLeast)).rejects.toMatchObject({ code: "NOTE_INVALID" })
  })
})
