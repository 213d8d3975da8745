import { afterEach, describe, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { settle } from "./commits.test.support.ts"
import { eventOf, live, peer } from "./lives.test.support.ts"

afterEach(removeDirectories)

/** As a part of a policy in the log: at most 8,192 code units, each six bytes at worst. */
const part = {
  action: "postern.policy.part",
  outcome: "success",
  data: { digest: "d", part: 0, text: "\u0001".repeat(8_192) },
} as const

/** The port while little is free in the open slot: a part has to wait, an event goes in. Nothing awaits until `then` is through. */
async function nearlyFull(then: (port: Awaited<ReturnType<typeof live>>) => void) {
  const port = await live(newDirectory(), 64 * 1024 * 1024)
  await port.open("a".repeat(32))
  port.post([eventOf("opens the stream of this way in")])
  await new Promise((resolve) => port.commits.afterDurable(() => resolve(undefined)))
  await settle() // What the commit did not take is in nobody's way now.
  // What is left then is less than 17 kB, and more than 8.
  for (const bytes of [60_000, 8_000]) {
    for (let n = 0; port.post([eventOf(`${bytes}-${n}`, bytes)]).offered.kind === "placed"; n++);
  }
  then(port)
  await new Promise((resolve) => port.commits.afterDurable(() => resolve(undefined)))
  await port.end()
}

describe("while an own entry waits for room", () => {
  test("nothing is placed before it that it is about", async () => {
    const placed: string[] = []
    const note = (what: string) => () => placed.push(what)
    await nearlyFull((port) => {
      port.own.record({ ...part, placed: note("part") })
      const loaded = { action: "postern.policy.loaded", outcome: "success", data: {} } as const
      port.own.record({ ...loaded, placed: note("loaded") })
      // From here on the new policy decides.
      if (port.post([eventOf("decided by the new policy")]).offered.kind === "placed") {
        placed.push("event")
      }
    })
    expect(placed).not.toEqual(["event", "part", "loaded"])
  })

  test("a stream can be opened, or has to wait as well", async () => {
    let failure: unknown
    await nearlyFull((port) => {
      port.own.record(part)
      const ignore = () => undefined
      const owner = { durable: ignore, flush: ignore, resume: ignore, superseded: ignore }
      try {
        port.intake.openStream(owner, peer, { id: "b".repeat(32) }, ignore)
      } catch (error) {
        failure = error
      }
    })
    expect(failure).toBeUndefined()
  })

  test("what says which policy decides is not lost, however much else waits", async () => {
    let isPlaced = false
    await nearlyFull((port) => {
      const yields = true as const
      const tally = {
        action: "postern.policy.tally",
        outcome: "success",
        data: {},
        yields,
      } as const
      port.own.record(part)
      for (let n = 0; n < 4_200; n++) port.own.record(tally)
      port.own.record({
        ...{ action: "postern.policy.loaded", outcome: "success", data: {} },
        placed: () => {
          isPlaced = true
        },
      })
    })
    expect(isPlaced).toBe(true)
  })
})
