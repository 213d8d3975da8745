import { EventEmitter } from "node:events"
import { describe, expect, test } from "vitest"
import {
  type AuditContext,
  bindContext,
  currentContext,
  fillInFromContext,
  runAsAgent,
  runInContext,
} from "./index.ts"

const alice = { type: "user", id: "alice" }

/** A promise that the test resolves. */
function makeGate<T = void>() {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((given) => {
    resolve = given
  })
  return { promise, resolve }
}

describe("runInContext()", () => {
  test("gives back what the function gives, throws what it throws, and is over then", async () => {
    expect(runInContext({ actor: "alice" }, () => 7)).toBe(7)
    const error = new Error("mine")
    expect(() =>
      runInContext({ actor: "alice" }, () => {
        throw error
      }),
    ).toThrow(error)
    await runInContext({ actor: "alice" }, () => Promise.resolve())
    expect(currentContext()).toBeUndefined()
  })

  test("never shows one of many interleaved requests the context of another", async () => {
    const gates = Array.from({ length: 50 }, () => makeGate())
    const seen: unknown[] = []
    const requests = gates.map(({ promise }, i) =>
      runInContext({ actor: `user-${i}`, trace: { requestId: String(i) } }, async () => {
        await promise
        await new Promise<void>((resolve) => setImmediate(() => resolve()))
        seen[i] = [currentContext()?.actor, currentContext()?.trace?.requestId]
      }),
    )
    for (const { resolve } of gates.toReversed()) resolve()
    expect(currentContext()).toBeUndefined()
    await Promise.all(requests)
    expect(seen).toEqual(gates.map((_, i) => [`user-${i}`, String(i)]))
  })

  test("adds to the context around it, and leaves that as it was", () => {
    runInContext({ actor: "alice", tenant: "a", trace: { requestId: "1" } }, () => {
      runInContext({ trace: { jobId: "2" }, labels: { x: "y" } }, () => {
        expect(currentContext()).toEqual({
          ...{ actor: "alice", tenant: "a", onBehalfOf: undefined, origin: undefined },
          ...{ trace: { requestId: "1", jobId: "2" }, labels: { x: "y" } },
        })
      })
      expect(currentContext()?.trace).toEqual({ requestId: "1" })
    })
  })

  test("asks a function at each event, outside of its own context", () => {
    let user: string | undefined
    const around: (AuditContext | undefined)[] = []
    const context = (): AuditContext => {
      around.push(currentContext())
      return { actor: user }
    }
    runInContext(context, () => {
      expect(currentContext()?.actor).toBeUndefined()
      user = "alice"
      expect(currentContext()?.actor).toBe("alice")
    })
    expect(around).toEqual([undefined, undefined])
  })

  test("does not say for whom another actor acts", () => {
    runInContext({ actor: "alice", onBehalfOf: ["boss"] }, () => {
      runInContext({ actor: "cron" }, () => expect(currentContext()?.onBehalfOf).toBeUndefined())
      expect(fillInFromContext({ actor: "bob" }).onBehalfOf).toBeUndefined()
      expect(fillInFromContext({}).onBehalfOf).toEqual([{ type: "user", id: "boss" }])
    })
  })
})

test("bindContext() brings the context to the events of an emitter", () => {
  const emitter = new EventEmitter()
  const seen: unknown[] = []
  runInContext({ actor: "alice" }, () => {
    emitter.on(
      "end",
      bindContext((word: string) => seen.push(word, currentContext()?.actor)),
    )
    emitter.on("end", () => seen.push(currentContext()))
  })
  runInContext({ actor: "bob" }, () => emitter.emit("end", "said"))
  expect(seen.slice(0, 2)).toEqual(["said", "alice"])
  expect(seen[2]).toMatchObject({ actor: "bob" })
})

describe("runAsAgent()", () => {
  test("acts for who acted, nearest first, and joins what the run did", () => {
    runInContext({ actor: alice, tenant: "a", trace: { requestId: "1" } }, () => {
      runAsAgent(
        "planner",
        () => {
          runAsAgent({ type: "agent", id: "coder", model: "m" }, () => {
            const { runId } = currentContext()?.trace ?? {}
            expect(runId).toMatch(/^[0-9a-f-]{36}$/)
            expect(fillInFromContext({})).toEqual({
              actor: { type: "agent", id: "coder", model: "m" },
              onBehalfOf: [{ type: "agent", id: "planner" }, alice],
              tenant: "a",
              trace: { requestId: "1", runId },
            })
          })
        },
        { runId: "run-7" },
      )
      expect(fillInFromContext({}).actor).toEqual(alice)
    })
  })

  test("without anybody acts for nobody", () => {
    runAsAgent("cleaner", () => {
      const filled = fillInFromContext({})
      expect(filled.actor).toEqual({ type: "agent", id: "cleaner" })
      expect(Object.hasOwn(filled, "onBehalfOf")).toBe(false)
    })
  })
})

describe("fillInFromContext()", () => {
  test("outside of any context gives the very details", () => {
    const details = { actor: "alice" }
    expect(fillInFromContext(details)).toBe(details)
  })

  test("lets what the event says stand, key by key in objects, and fills what is undefined", () => {
    const context = {
      ...{ actor: "alice", tenant: "a" },
      ...{ origin: { ip: "192.0.2.1", userAgent: "x" }, trace: { requestId: "1" } },
    }
    const said = { actor: undefined, tenant: "b", origin: { ip: "192.0.2.9" }, target: "t/1" }
    expect(runInContext(context, () => fillInFromContext(said))).toEqual({
      ...{ actor: "alice", tenant: "b", target: "t/1" },
      ...{ origin: { ip: "192.0.2.9", userAgent: "x" }, trace: { requestId: "1" } },
    })
  })

  test("leaves what is no object for audit() to refuse", () => {
    const said = { trace: 7 as unknown as object }
    const filled = runInContext({ trace: { requestId: "1" } }, () => {
      return fillInFromContext(said as Parameters<typeof fillInFromContext>[0])
    })
    expect(filled.trace).toBe(7)
  })
})
