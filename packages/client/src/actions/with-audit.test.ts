import { describe, expect, test } from "vitest"
import { runAsAgent, runInContext } from "../context/index.ts"
import { Recorder } from "../writer/recorder.test.support.ts"
import { withAudit, withToolCall } from "./index.ts"

const details = { actor: "alice", target: "invoice/1" } as const

/** An error as libraries throw them. */
const coded = (members: object) => Object.assign(new Error("secret text"), members)

/** A promise that the test resolves. */
function makeGate<T = void>() {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((given) => {
    resolve = given
  })
  return { promise, resolve }
}

describe("withAudit()", () => {
  test("writes the attempt before the function runs and the result when it has returned", () => {
    const recorder = new Recorder()
    const returned = withAudit(recorder.audit, "invoice.send", details, () => {
      expect(recorder.event).toMatchObject({ outcome: "unknown", trace: { phase: "attempt" } })
      return 7
    })
    expect(returned).toBe(7)
    const [attempt, result, ...more] = recorder.events
    expect(more).toEqual([])
    expect(result).toMatchObject({ action: "invoice.send", outcome: "success" })
    expect(result?.trace).toEqual({ pairId: attempt?.trace?.pairId, phase: "result" })
    expect(attempt?.trace?.pairId).toMatch(/^[0-9a-f-]{36}$/)
    expect(attempt?.id).not.toBe(result?.id)
  })

  test("waits for a promise, and gives what it gives", async () => {
    const recorder = new Recorder()
    const gate = makeGate<number>()
    const promised = withAudit(recorder.audit, "invoice.send", details, () => gate.promise)
    expect(recorder.events).toHaveLength(1)
    gate.resolve(7)
    expect(await promised).toBe(7)
    expect(recorder.events[1]).toMatchObject({ outcome: "success", trace: { phase: "result" } })
  })

  const ends: [what: string, error: unknown, outcome: string, code: unknown][] = [
    ["an error", new TypeError("x"), "error", "TypeError"],
    ["a code", coded({ code: "E_LATE" }), "error", "E_LATE"],
    ["status 403", coded({ status: 403 }), "denied", 403],
    ["statusCode 401", coded({ statusCode: 401 }), "denied", 401],
    ["code 403", coded({ code: "403" }), "denied", "403"],
    ["EACCES", coded({ code: "EACCES" }), "denied", "EACCES"],
    ["PostgreSQL's refusal", coded({ code: "42501" }), "denied", "42501"],
    ["status 404", coded({ status: 404 }), "failure", 404],
    ["status 500", coded({ status: 500 }), "error", 500],
    ["a string", "no", "error", "UNKNOWN"],
    ["undefined", undefined, "error", "UNKNOWN"],
  ]
  test.each(ends)("throws %s as it was, and says how it ended", async (_, error, outcome, code) => {
    const thrown = new Recorder()
    const rejected = new Recorder()
    let caught: unknown = "nothing"
    try {
      withAudit(thrown.audit, "invoice.send", details, () => {
        throw error
      })
    } catch (reason) {
      caught = reason
    }
    expect(caught).toBe(error)
    const promised = withAudit(rejected.audit, "invoice.send", details, () => Promise.reject(error))
    await promised.then(
      () => expect.unreachable(),
      (reason: unknown) => expect(reason).toBe(error),
    )
    for (const { events } of [thrown, rejected]) {
      expect(events[1]).toMatchObject({ outcome, reason: { code: String(code) } })
      expect(JSON.stringify(events)).not.toContain("secret text")
    }
  })

  test("says what became known on the way", () => {
    const recorder = new Recorder()
    const begin = { ...details, id: "mine", trace: { requestId: "r" } }
    withAudit(recorder.audit, "invoice.create", begin, (say) => {
      say({ data: { lines: 3 } })
      say({ target: "invoice/2", trace: { step: 1 }, outcome: "failure" })
    })
    const [attempt, result] = recorder.events
    expect(attempt).toMatchObject({ id: "mine", targets: [{ id: "1" }], trace: { requestId: "r" } })
    expect(result).toMatchObject({
      ...{ targets: [{ id: "2" }], data: { lines: 3 }, outcome: "failure" },
      trace: { requestId: "r", step: 1, phase: "result", pairId: attempt?.trace?.pairId },
    })
    expect(result?.id).not.toBe("mine")
    expect(recorder.problems).toEqual([])
  })

  test("asks whether somebody was turned away, and guesses nothing if that fails", () => {
    const recorder = new Recorder()
    const isDenied = (ended: unknown) => (ended as { allowed: boolean }).allowed === false
    const run = (returned: unknown) =>
      withAudit(recorder.audit, "door.open", details, () => returned, {
        isDenied,
        resultOnly: true,
      })
    run({ allowed: false })
    run({ allowed: true })
    run(undefined)
    expect(recorder.events.map(({ outcome }) => outcome)).toEqual(["denied", "success", "unknown"])
  })

  test("writes the result alone if that is asked for", () => {
    const recorder = new Recorder()
    const options = { resultOnly: true }
    withAudit(recorder.audit, "invoice.read", { ...details, id: "mine" }, () => 1, options)
    expect(recorder.event).toMatchObject({ id: "mine", trace: { phase: "single" } })
  })

  test("a full spool keeps the function from running, but never hides what it threw", () => {
    const full = (): never => {
      throw coded({ code: "SPOOL_FULL" })
    }
    let runs = 0
    const fail = (): never => {
      runs += 1
      throw new Error("its own")
    }
    expect(() => withAudit(full, "a.b", details, fail)).toThrow("secret text")
    expect(runs).toBe(0)
    expect(() => withAudit(full, "a.b", details, fail, { resultOnly: true })).toThrow("its own")
    expect(() => withAudit(full, "a.b", details, () => 1, { resultOnly: true })).toThrow(
      "secret text",
    )
  })

  test("keeps pairs of many at once apart", async () => {
    const recorder = new Recorder()
    const gates = Array.from({ length: 20 }, () => makeGate())
    const all = gates.map(({ promise }, i) =>
      withAudit(recorder.audit, "a.b", { actor: "a", target: `t/${i}` }, () => promise),
    )
    for (const { resolve } of gates.toReversed()) resolve()
    await Promise.all(all)
    const pairOf = ({ trace, targets }: (typeof recorder.events)[number]) => [
      trace?.pairId,
      targets,
    ]
    const attempts = recorder.events.slice(0, 20).map(pairOf)
    expect(recorder.events.slice(20).map(pairOf).toReversed()).toEqual(attempts)
    expect(new Set(attempts.map(([pairId]) => pairId)).size).toBe(20)
  })
})

describe("withToolCall()", () => {
  test("says which agent called what for whom, and not with which values", async () => {
    const recorder = new Recorder()
    const call = { name: "Send Mail", id: "call_1", arguments: { to: "bob@example.com", n: 1 } }
    await runInContext({ actor: "alice" }, () =>
      runAsAgent("helper", () => withToolCall(recorder.audit, call, async () => "sent"), {
        runId: "run-1",
      }),
    )
    expect(recorder.events).toHaveLength(2)
    expect(recorder.events[1]).toMatchObject({
      ...{ action: "tool.send-mail.call", outcome: "success", op: "execute" },
      ...{ actor: { type: "agent", id: "helper" }, onBehalfOf: [{ type: "user", id: "alice" }] },
      ...{ targets: [{ type: "tool", id: "Send Mail" }] },
      trace: { runId: "run-1", toolCallId: "call_1", phase: "result" },
      data: { toolCall: { name: "Send Mail", arguments: ["to", "n"], argumentsBytes: 30 } },
    })
    expect(JSON.stringify(recorder.events)).not.toContain("bob@")
  })

  test("takes calls whose arguments are no JSON", () => {
    const recorder = new Recorder()
    const call = { name: "x", arguments: { n: 1n } }
    runAsAgent("helper", () => withToolCall(recorder.audit, call, () => 1))
    expect(recorder.events[1]?.data).toEqual({ toolCall: { name: "x", arguments: ["n"] } })
  })
})
