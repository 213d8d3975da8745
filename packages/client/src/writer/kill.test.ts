import { fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import fc from "fast-check"
import { expect, it } from "vitest"
import { Scene, waitMs } from "./writer.test.support.ts"

const script = join(import.meta.dirname, "kill.test.writer.ts")

/** Starts a writer and kills it at its nth word. Resolves with the number of the last event that it was sure of. */
async function runUntilKilled(
  scene: Scene,
  run: number,
  words: number,
  ...bytesMax: readonly string[]
): Promise<number> {
  const profile = JSON.stringify(scene.port.profile())
  const child = fork(script, [String(run), profile, scene.directory, ...bytesMax])
  let sure = -1
  let heard = 0
  child.on("message", (i: number) => {
    sure = i
    heard += 1
    if (heard === words) child.kill("SIGKILL")
  })
  await once(child, "exit")
  expect(heard).toBeGreaterThanOrEqual(words)
  return sure
}

it("killed at any moment, a writer loses nothing that was spooled and sends nothing twice", async () => {
  const scene = await Scene.begin()
  const { port } = scene
  const moments = fc.sample(
    fc.record({
      words: fc.integer({ min: 1, max: 40 }),
      cuts: fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 2 }),
      isSilent: fc.boolean(),
      isDown: fc.boolean(),
    }),
    6,
  )
  try {
    const sure: number[] = []
    for (const [run, { words, cuts, isSilent, isDown }] of moments.entries()) {
      port.manners.cutsReceiving = cuts
      port.manners.isSilent = isSilent
      if (isDown) await port.stop()
      sure.push(await runUntilKilled(scene, run, words))
      port.release()
      if (isDown) await port.listen()
    }
    const last = await scene.connect()
    await last.flush(waitMs)
    const runs = new Map<number, number>()
    let before = 0
    for (const id of scene.logged) {
      const [run = -1, i = -1] = id.split(".").map(Number)
      expect(run, "runs stand in their order").toBeGreaterThanOrEqual(before)
      before = run
      expect(i, `run ${run} goes on where it was`).toBe((runs.get(run) ?? -1) + 1)
      runs.set(run, i)
    }
    for (const [run, i] of sure.entries()) {
      expect(runs.get(run) ?? -1, `run ${run}`).toBeGreaterThanOrEqual(i)
    }
    expect(scene.codes.filter((code) => code !== "UNREACHABLE")).toEqual([])
    expect([...port.streams.values()].flatMap(({ gaps }) => gaps)).toEqual([])
  } finally {
    await scene.end()
  }
}, 180_000)

it("killed with a spool that is too small, what is missing is a gap and nothing is there twice", async () => {
  const scene = await Scene.begin()
  const { port } = scene
  try {
    for (let run = 0; run < 4; run++) {
      // Little is acknowledged while it runs, so that the spool is full when it is killed.
      port.manners.isSilent = run % 2 === 0
      port.manners.cutsReceiving = [30_000, 90_000]
      await runUntilKilled(scene, run, 60, String(256 * 1024))
      port.release()
    }
    const last = await scene.connect()
    await last.flush(waitMs)
    const order = scene.logged.map((id) => id.split(".").map(Number) as [number, number])
    let missing = 0
    for (const [at, [run, i]] of order.entries()) {
      const [runBefore, before] = order[at - 1] ?? [run, -1]
      expect(run).toBeGreaterThanOrEqual(runBefore)
      const expected = run === runBefore ? before + 1 : 0
      expect(i, `run ${run}, after ${before}`).toBeGreaterThanOrEqual(expected)
      missing += i - expected
    }
    const streams = [...port.streams.values()]
    const gaps = streams.flatMap((stream) => stream.gaps)
    expect(streams).toHaveLength(1)
    expect(missing).toBeGreaterThan(0)
    expect(gaps.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(missing)
  } finally {
    await scene.end()
  }
}, 180_000)
