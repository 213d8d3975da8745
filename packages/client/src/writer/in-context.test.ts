import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { runInContext } from "../context/index.ts"
import { Scene, waitMs } from "./writer.test.support.ts"

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

const logged = () => scene.port.entries.map(({ event }) => JSON.parse(event))

describe("audit() in a context", () => {
  it("writes each of many interleaved requests with its own actor, and refuses what has none", async () => {
    const audit = await scene.connect()
    const requests = Array.from({ length: 20 }, (_, i) =>
      runInContext({ actor: `user-${i}`, origin: { ip: `192.0.2.${i}` } }, async () => {
        await new Promise<void>((resolve) => setImmediate(() => resolve()))
        audit("thing.read", { target: `thing/${i}` })
        return audit.confirm("thing.sent", { target: `thing/${i}` })
      }),
    )
    await Promise.all(requests)
    expect(audit("thing.read", {})).toBe("")
    expect(scene.codes).toEqual(["EVENT_MISSING_FIELD"])
    expect(logged()).toHaveLength(40)
    for (const { actor, origin, targets } of logged()) {
      const [{ id }] = targets
      expect([actor, origin.ip]).toEqual([{ type: "user", id: `user-${id}` }, `192.0.2.${id}`])
    }
  })

  it("writes the event without a context that fails, and tells of it", async () => {
    const audit = await scene.connect()
    const broken = (): never => {
      throw new TypeError("no user")
    }
    runInContext(broken, () => {
      audit("thing.read", { target: "thing/1" })
      audit("thing.read", { actor: "alice" })
    })
    await audit.flush(waitMs)
    expect(logged().map(({ actor }) => actor.id)).toEqual(["unknown", "alice"])
    expect(scene.codes).toEqual(["CONTEXT_FAILED", "CONTEXT_FAILED"])
    expect(scene.problems[0]?.message).toContain("TypeError: no user")
    expect(audit.status().refused).toBe(0)
  })
})
