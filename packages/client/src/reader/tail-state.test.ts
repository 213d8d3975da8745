import { isPosternError } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { LogEntry } from "./entry.ts"
import type { SentFrame } from "./frames.ts"
import { HonestPort } from "./port.test.support.ts"
import { TailState } from "./tail-state.ts"
import { Trust } from "./trust.ts"

/** One connection of a tail, as the read port makes it: openings first, proofs of all that this connection was sent. */
class HonestTail {
  readonly #port: HonestPort
  readonly #fits: (index: number) => boolean
  readonly #unproven = new Set<number>()
  readonly #opened = new Set<number>()
  position: number

  constructor(port: HonestPort, after: number | undefined, fits = (_: number) => true) {
    this.#port = port
    this.#fits = fits
    this.position = (after ?? port.leaves.length - 1) + 1
  }

  id(): SentFrame {
    return { event: "message", id: this.position - 1, data: "" }
  }

  /** Frames of the next entries. */
  entries(count: number): SentFrame[] {
    const frames: SentFrame[] = []
    for (let i = 0; i < count && this.position < this.#port.leaves.length; i++) {
      const index = this.position++
      if (!this.#fits(index)) continue
      const stream = this.#port.streamOf(index)
      if (stream === index || this.#port.leaves[index]?.includes("postern.stream.opened"))
        this.#opened.add(index)
      if (!this.#opened.has(stream)) frames.push(this.#frame("opening", stream))
      this.#opened.add(stream)
      frames.push({ ...this.#frame("entry", index), id: index })
    }
    return frames
  }

  #frame(event: string, index: number): SentFrame {
    this.#unproven.add(index)
    return { event, id: undefined, data: JSON.stringify(this.#port.entry(index)) }
  }

  async proof(): Promise<SentFrame[]> {
    const size = this.#port.published
    const covered = [...this.#unproven].filter((index) => index < size)
    if (covered.length === 0) return []
    for (const index of covered) this.#unproven.delete(index)
    const data = { checkpoint: await this.#port.note(), proof: this.#port.proof(covered) }
    return [{ event: "checkpoint", id: undefined, data: JSON.stringify(data) }]
  }
}

async function takeAll(state: TailState, frames: readonly SentFrame[]): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for (const frame of frames) {
    const entry = await state.take(frame)
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}

function start(after: number | undefined, isWhole = true) {
  const port = new HonestPort()
  port.append(3, "app")
  port.append(3, "web")
  const state = new TailState(new Trust(port, port.vkey), after, isWhole)
  return { port, state }
}

describe("a tail", () => {
  test("turns entries to verified when a checkpoint covers them, and no others", async () => {
    const { port, state } = start(-1)
    const tail = new HonestTail(port, state.begin())
    const entries = await takeAll(state, tail.entries(9))
    expect(entries.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(entries.some(({ verified }) => verified)).toBe(false)
    port.published = 5
    await takeAll(state, await tail.proof())
    expect(entries.map(({ verified }) => verified)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => i < 5),
    )
    port.published = 9
    await takeAll(state, await tail.proof())
    expect(entries.every(({ verified }) => verified)).toBe(true)
  })

  test("hands out every entry once and proves each, over any cuts", async () => {
    const step = fc.record({
      grow: fc.nat(6),
      writer: fc.constantFrom("app", "web", "job"),
      publish: fc.boolean(),
      entries: fc.nat(9),
      proof: fc.boolean(),
      /** Frames that still arrive before the cut; undefined for no cut. */
      cutAfter: fc.option(fc.nat(12), { nil: undefined }),
    })
    const filters: [boolean, (index: number) => boolean][] = [
      [true, () => true],
      [false, (index) => index % 3 === 0],
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.constantFrom(...filters),
        async (steps, [isWhole, fits]) => {
          const { port, state } = start(-1, isWhole)
          const handed: LogEntry[] = []
          let tail = new HonestTail(port, state.begin(), fits)
          for (const { grow, writer, publish, entries, proof, cutAfter } of steps) {
            port.append(grow, writer)
            if (publish) port.published = port.leaves.length
            const frames = [
              tail.id(),
              ...tail.entries(entries),
              ...(proof ? await tail.proof() : []),
              tail.id(),
            ]
            handed.push(...(await takeAll(state, frames.slice(0, cutAfter))))
            if (cutAfter !== undefined) tail = new HonestTail(port, state.begin(), fits)
          }
          port.published = port.leaves.length
          handed.push(...(await takeAll(state, [...tail.entries(1000), ...(await tail.proof())])))
          const wanted = port.leaves.flatMap((leaf, index) =>
            fits(index) ? [[index, leaf, true]] : [],
          )
          expect(handed.map(({ index, leaf, verified }) => [index, leaf, verified])).toEqual(wanted)
          for (const { index, writer } of handed) expect(writer).toBe(port.writerOf(index))
        },
      ),
      { numRuns: 150 },
    )
  })

  test("from now on begins where the port says, and a hole after that shows", async () => {
    const { port, state } = start(undefined)
    const tail = new HonestTail(port, state.begin())
    await takeAll(state, [tail.id()])
    port.append(4)
    const [, , third] = tail.entries(4)
    await expect(takeAll(state, [third as SentFrame])).rejects.toMatchObject({
      code: "PROOF_INVALID",
    })
  })

  test("that the port ends with a problem ends with it", async () => {
    const { state } = start(-1)
    state.begin()
    const data = JSON.stringify({ code: "LOG_DAMAGED", detail: "entry 7" })
    const problem = { event: "problem", id: undefined, data }
    await expect(state.take(problem)).rejects.toMatchObject({
      code: "LOG_DAMAGED",
      detail: "entry 7",
    })
  })
})

describe("a tail that lies is found out", () => {
  const change = (frame: SentFrame | undefined, from: string, to: string): SentFrame => {
    if (!frame?.data.includes(from)) throw new Error(`the frame has no ${from}`)
    return { ...frame, data: frame.data.replace(from, to) }
  }
  /** What comes after the first connection was cut in the midst, nothing proven. */
  const lies: [string, (frames: SentFrame[]) => SentFrame[]][] = [
    [
      "an entry is another one the second time",
      (f) => f.map((one, i) => (i === 3 ? change(one, "alice", "mallory") : one)),
    ],
    [
      "an opening is another one the second time",
      (f) => f.map((one, i) => (i === 0 ? change(one, "writer/app", "writer/not") : one)),
    ],
    ["an entry is left out the second time", (f) => f.filter((_, i) => i !== 3)],
    ["the first one is left out the second time", (f) => f.filter((_, i) => i !== 1)],
    [
      "entries change places",
      (f) => [f[0] as SentFrame, f[2] as SentFrame, f[1] as SentFrame, ...f.slice(3)],
    ],
    ["an entry is told twice", (f) => [...f.slice(0, 2), ...f.slice(1)]],
    ["the opening is left out", (f) => f.slice(1)],
    [
      "the proof is of nothing",
      (f) => [...f.slice(0, -1), change(f.at(-1), '"path":["', '"path":["AAAA')],
    ],
    ["a frame is no JSON", (f) => [...f.slice(0, 2), { event: "entry", id: 5, data: "{" }]],
  ]
  test.each(lies)("%s", async (_, lie) => {
    for (const isWhole of [true, false]) {
      const { port, state } = start(2, isWhole)
      port.append(5, "app")
      await takeAll(state, new HonestTail(port, state.begin()).entries(20))
      port.published = port.leaves.length - 2
      const again = new HonestTail(port, state.begin())
      const frames = [...again.entries(20), ...(await again.proof())]
      const taken = takeAll(state, lie(frames))
      await expect(taken, String(isWhole)).rejects.toMatchObject({ code: "PROOF_INVALID" })
    }
  })

  test("by never proving what it sends", async () => {
    const { port, state } = start(-1, false)
    state.begin()
    const opening = { event: "opening", id: undefined, data: JSON.stringify(port.entry(1)) }
    await state.take(opening)
    const { leaf } = port.entry(2)
    const send = async () => {
      for (let index = 2; index < 70_000; index++) {
        await state.take({ event: "entry", id: index, data: JSON.stringify({ index, leaf }) })
      }
    }
    await expect(send()).rejects.toMatchObject({ code: "PROOF_INVALID" })
  })

  test("wherever a frame was changed: what is verified is in the log", async () => {
    const { port } = start(-1)
    port.append(6, "web")
    port.published = port.leaves.length
    const tail = new HonestTail(port, -1)
    const honest = [...tail.entries(20), ...(await tail.proof())]
    const change = fc.record({
      frame: fc.nat(honest.length - 1),
      at: fc.nat(400),
      letter: fc.constantFrom(...'0123456789abcdefAZ"{}[],:=\\n'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const frames = honest.map((frame) => ({ ...frame }))
        for (const { frame, at, letter } of changes) {
          const changed = frames[frame] as { data: string }
          changed.data = changed.data.slice(0, at) + letter + changed.data.slice(at + 1)
        }
        const state = new TailState(new Trust(port, port.vkey), -1, true)
        state.begin()
        const handed: LogEntry[] = []
        try {
          for (const frame of frames) {
            const entry = await state.take(frame)
            if (entry !== undefined) handed.push(entry)
          }
        } catch (error) {
          if (!isPosternError(error)) throw error
        }
        for (const { index, leaf, writer, verified } of handed) {
          if (!verified) continue
          expect(leaf).toBe(port.leaves[index])
          expect(writer).toBe(port.writerOf(index))
        }
      }),
      { numRuns: 300 },
    )
  })
})
