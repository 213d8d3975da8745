import { describe, expect, test } from "vitest"
import { Rota, Turns } from "./turns.ts"

/** Work of so many steps of a millisecond each, on a clock that only work moves. */
function newThread() {
  let now = 0
  const elapsedMs = () => now
  const rota = new Rota(elapsedMs)
  async function work(steps: number, ms = 1e6): Promise<number> {
    const turns = new Turns(elapsedMs, ms, rota)
    try {
      for (let done = 1; done <= steps; done++) {
        now += 1
        if (!(await turns.go())) return done
      }
      return steps
    } finally {
      turns.end()
    }
  }
  return { work, rota, elapsedMs, at: () => now }
}

const immediate = () => new Promise((resolve) => setImmediate(resolve))

describe("questions that share a thread", () => {
  test("end in the order of what they take, not of when they came", async () => {
    const { work } = newThread()
    const ended: string[] = []
    const slow = Array.from({ length: 8 }, () => work(500).then(() => ended.push("slow")))
    await immediate()
    await immediate()
    const quick = work(5).then(() => ended.push("quick"))
    const middling = work(40).then(() => ended.push("middling"))
    await Promise.all([...slow, quick, middling])
    expect(ended.slice(0, 2)).toEqual(["quick", "middling"])
  })

  test("let the one go on that has taken least", async () => {
    const { work, at } = newThread()
    const slow = Array.from({ length: 8 }, () => work(500))
    while (at() < 400) await immediate()
    const began = at()
    await work(20)
    expect(at() - began).toBeLessThan(20 + 3 * 8)
    await Promise.all(slow)
  })

  test("do not hold up a quick one at each of its waits for the disk", async () => {
    const { work, rota, elapsedMs, at } = newThread()
    const slow = Array.from({ length: 8 }, () => work(300))
    for (let i = 0; i < 40; i++) await immediate()
    const began = at()
    const turns = new Turns(elapsedMs, 1e6, rota)
    for (let read = 0; read < 20; read++) await immediate()
    turns.end()
    expect(at() - began).toBeLessThan(20)
    await Promise.all(slow)
  })

  test("end when their time is up, however many others there are", async () => {
    const { work, at } = newThread()
    const short = work(1000, 60)
    while (at() < 50) await immediate()
    const others = Array.from({ length: 8 }, () => work(400))
    await short
    expect(at()).toBeLessThan(60 + 9 * 8 + 8)
    await Promise.all(others)
  })

  test("are all done in the end", async () => {
    const { work } = newThread()
    const steps = [1, 9, 100, 33, 34, 8]
    expect(await Promise.all(steps.map((count) => work(count)))).toEqual(steps)
  })
})
