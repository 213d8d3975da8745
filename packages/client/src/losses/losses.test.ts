import { PosternError } from "@postern/log/base"
import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest"
import { FullSpool } from "./full-spool.test.support.ts"
import { type LosingAudit, writeOrLose } from "./index.ts"

describe("a full spool", () => {
  let spool: FullSpool
  beforeEach(async () => {
    spool = await FullSpool.begin()
  })
  afterEach(() => spool.end())

  it("makes losses of events that nobody could be told of, and the log says so in their place", async () => {
    const { audit } = spool
    expect(() => audit("a.b", { actor: "a" })).toThrow(PosternError)
    for (let i = 0; i < 3; i++) writeOrLose(audit, "a.b", { actor: "a" })
    expect(spool.problems).toMatchObject(
      Array.from({ length: 3 }, () => ({ code: "SPOOL_FULL", events: 1 })),
    )
    await spool.empty()
    writeOrLose(audit, "c.d", { actor: "a" })
    expect(await spool.logged()).toEqual(["lost 3", "c.d"])
    expect(spool.problems).toHaveLength(3)
    expect(audit.status().dropped).toBe(3)
  })

  it("says the loss by itself as soon as there is room", async () => {
    writeOrLose(spool.audit, "a.b", { actor: "a" })
    await spool.empty()
    await vi.waitFor(async () => expect(await spool.logged()).toEqual(["lost 1"]), 30_000)
  })
})

test("an application's own function may lack a way to say losses, and fail in its own way", () => {
  let failure: unknown = new PosternError("SPOOL_FULL")
  const audit: LosingAudit = () => {
    throw failure
  }
  writeOrLose(audit, "a.b", { actor: "a" })
  failure = new TypeError("its own")
  expect(() => writeOrLose(audit, "a.b", { actor: "a" })).toThrow("its own")
})

test("a writer that was closed meanwhile is asked no more", () => {
  let code: "SPOOL_FULL" | "SHUTTING_DOWN" = "SPOOL_FULL"
  const said: string[] = []
  const fail = (): never => {
    throw new PosternError(code)
  }
  const write = (action: string): string => {
    if (code === "SPOOL_FULL") fail()
    said.push(action)
    return ""
  }
  const audit: LosingAudit = Object.assign(write, { lose: fail })
  writeOrLose(audit, "a.b", { actor: "a" })
  code = "SHUTTING_DOWN"
  writeOrLose(audit, "c.d", { actor: "a" })
  expect(said).toEqual(["c.d"])
})
