import { PosternError } from "@postern/log/base"
import { expect, test } from "vitest"
import { Errands } from "./errands.ts"

const never = (error: unknown): never => {
  throw error
}

test("an errand is looked after until it has ended", async () => {
  const errands = new Errands(never)
  let go = (_result: object): void => undefined
  const told = errands.begin((at) => {
    at("reading", 1, 2)
    return new Promise((resolve) => {
      go = resolve
    })
  })
  expect(errands.look(told)).toEqual({ state: "working", step: "reading", done: 1, of: 2 })
  go({ a: 1 })
  await errands.end()
  expect(errands.look(told)).toEqual({ state: "done", result: { a: 1 } })
  expect(() => errands.look({ errand: "another" })).toThrow("no such errand")
  expect(() => errands.look(null)).toThrow("no such errand")
})

test("a failure is told with its code, and only a disk that failed is fatal", async () => {
  const fatal: unknown[] = []
  const errands = new Errands((error) => void fatal.push(error))
  const failed = new PosternError("DISK_FAILED", "gone")
  const [held, disk] = [new PosternError("ERASURE_HELD", "hold h"), failed].map((error) =>
    errands.begin(() => Promise.reject(error)),
  )
  await errands.end()
  expect(errands.look(held)).toMatchObject({ state: "failed", code: "ERASURE_HELD" })
  expect(errands.look(disk)).toMatchObject({ state: "failed", code: "DISK_FAILED" })
  expect(fatal).toEqual([failed])
})

test("there are few at a time, few results are kept, and none begins at the end", async () => {
  const errands = new Errands(never)
  const ends: (() => void)[] = []
  const wait = () => new Promise<object>((resolve) => ends.push(() => resolve({})))
  for (let i = 0; i < 4; i++) errands.begin(wait)
  expect(() => errands.begin(wait)).toThrow(expect.objectContaining({ code: "OVERLOADED" }))
  for (const end of ends) end()
  await Promise.all(ends)
  const first = await untilRoom(errands)
  for (let i = 0; i < 40; i++) await untilRoom(errands)
  expect(() => errands.look(first)).toThrow("no such errand")
  await errands.end()
  expect(() => errands.begin(wait)).toThrow(expect.objectContaining({ code: "SHUTTING_DOWN" }))
})

async function untilRoom(errands: Errands): Promise<object> {
  const told = errands.begin(async () => ({}))
  await new Promise((resolve) => setImmediate(resolve))
  return told
}
