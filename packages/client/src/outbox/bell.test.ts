import { expect, it } from "vitest"
import { Bell } from "./bell.ts"

const longMs = 3_600_000

it("wakes who waits, and is heard later by who does not yet", async () => {
  const bell = new Bell()
  const waiting = bell.wait(longMs)
  bell.ring()
  await waiting
  bell.ring()
  bell.ring()
  await bell.wait(longMs)
  let isAwake = false
  const next = bell.wait(longMs).then(() => {
    isAwake = true
  })
  await Promise.resolve()
  expect(isAwake).toBe(false)
  bell.ring()
  await next
})

it("lets go by itself", async () => {
  await new Bell().wait(1)
})
