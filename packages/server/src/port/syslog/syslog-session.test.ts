import { limits, PosternError } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { grantOf, peer } from "../listener/doors.test.support.ts"
import { memory } from "../sequencer/placing.test.support.ts"
import { type BodyOffered, CreditPool, type OfferedBody } from "../session/index.ts"
import { type SyslogLoss, SyslogSession } from "./syslog-session.ts"

const taken: BodyOffered = {
  ...{ kind: "placed", first: 0, accepted: 1 },
  ...{ refused: [], altered: [], duplicates: [] },
}

/** A session over an intake that takes everything unless it is told otherwise, and all that was said to it. */
function open(eventBytesMax: number = limits.disclosureBytesMax, pool = new CreditPool()) {
  const messages: string[] = []
  const ids: string[] = []
  const bodies: OfferedBody[] = []
  const losses: SyslogLoss[] = []
  const refused: string[] = []
  const line: string[] = []
  const world = {
    offers: [] as BodyOffered[],
    room: [] as ({ kind: "full"; delayMs: number } | { kind: "refused"; code: "NOT_GRANTED" })[],
    keeps: [] as (() => Promise<ReadonlySet<string>>)[],
    waits: [] as number[],
  }
  const intake = {
    ...{ memory, nowMs: () => 0, source: () => "host://h" },
    grant: () => grantOf({ adapters: new Set(["syslog"]), eventBytesMax }),
    noRoom: () => world.room.shift(),
    offerBody: (body: OfferedBody) => {
      const answer = world.offers.shift() ?? taken
      if (answer.kind !== "placed") return answer
      bodies.push({ ...body, region: body.region.slice() })
      for (const event of eventsOf(body.region)) {
        messages.push(event.data?.line ?? "beside")
        ids.push(event.id)
      }
      return answer
    },
    keepOut: async ({ keptOut }: OfferedBody) => {
      const keep = world.keeps.shift()
      if (keep !== undefined) return keep()
      return new Set(keptOut.flatMap(({ values }) => values.map(({ digest }) => digest)))
    },
    disclose: (_: string, item: Uint8Array, name: string) => ({
      ...{ json: item, digest: `${name}-`.padEnd(43, "x") },
    }),
    whenRoom: (_: unknown, delayMs: number) => void world.waits.push(delayMs),
    refused: (_: unknown, code: string) => void refused.push(code),
    lost: (_: unknown, loss: SyslogLoss) => void losses.push(loss),
  }
  const { id, certificate, from } = peer
  const session = new SyslogSession(
    intake,
    pool,
    { id, certificate, from, session: "s" },
    {
      pause: () => void line.push("pause"),
      resume: () => void line.push("resume"),
      cut: () => void line.push("cut"),
      over: () => void line.push("over"),
    },
  )
  const say = (text: string): void => {
    session.receive(Buffer.from(text, "latin1"))
    session.work()
  }
  return { session, say, messages, ids, bodies, losses, refused, line, world, pool }
}

function* eventsOf(region: Uint8Array): Generator<{ id: string; data?: { line?: string } }> {
  const bytes = Buffer.from(region)
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    yield JSON.parse(bytes.toString("utf8", at + 4, end))
    at = end
  }
}

describe("messages", () => {
  test("are offered together, numbered, and never as repeats", () => {
    const { say, messages, ids, bodies } = open()
    say("<1>a\n<1>b\n5 <1>c\n")
    expect(messages).toEqual(["<1>a", "<1>b", "<1>c\n"])
    expect(ids).toEqual(["s.1", "s.2", "s.3"])
    expect(bodies).toHaveLength(1)
    expect(bodies[0]).toMatchObject({ adapter: "syslog", changed: 2, isNumbered: true, count: 3 })
  })

  test("of which there are many become several regions", () => {
    const { say, messages, bodies } = open()
    say("<1>a\n".repeat(5_000))
    expect(messages).toHaveLength(5_000)
    expect(bodies.map(({ count }) => count)).toEqual([
      ...bodies.slice(0, -1).map(() => expect.any(Number)),
      5_000 - bodies.slice(0, -1).reduce((sum, { count }) => sum + count, 0),
    ])
    for (const { count, region } of bodies) {
      expect(count).toBeLessThanOrEqual(2_000)
      expect(region.length).toBeLessThanOrEqual(256 * 1024)
    }
  })

  test("that no entry holds go alone, their values first", async () => {
    const { say, messages, bodies } = open()
    say(`<1>before\n<1>${'"'.repeat(60_000)}\n<1>after\n`)
    await new Promise((turn) => setImmediate(turn))
    expect(messages).toEqual(["<1>before", "beside", "<1>after"])
    expect(bodies[1]?.keptOut[0]?.values).toHaveLength(1)
    expect(bodies[1]?.kept.size).toBe(1)
  })

  test("whose values cannot be kept now are tried again, and not passed by", async () => {
    const { session, say, messages, refused, world } = open()
    world.keeps.push(() => Promise.reject(new PosternError("DISK_FULL")))
    say(`<1>${'"'.repeat(60_000)}\n<1>after\n`)
    await new Promise((turn) => setImmediate(turn))
    expect([messages, refused, world.waits]).toEqual([[], ["DISK_FULL"], [1000]])
    session.resume()
    await new Promise((turn) => setImmediate(turn))
    expect(messages).toEqual(["beside", "<1>after"])
  })
})

describe("without room", () => {
  test("nothing is read, and nothing is lost or told twice", () => {
    const { session, say, messages, line, world } = open()
    world.room.push({ kind: "full", delayMs: 0 })
    say("<1>a\n<1>b\n")
    expect([messages, line, world.waits]).toEqual([[], ["pause"], [0]])
    world.offers.push({ kind: "full", delayMs: 7 }) // It is found only when the events are made.
    session.resume()
    expect([messages, world.waits]).toEqual([[], [0, 7]])
    session.resume()
    expect(messages).toEqual(["<1>a", "<1>b"])
    expect(line.at(-1)).toBe("resume")
  })

  test("what came before the connection ended is taken when there is some", () => {
    const { session, say, messages, losses, line, world } = open()
    world.room.push({ kind: "full", delayMs: 0 })
    say("<1>a\n<1>b\n")
    session.ended(undefined)
    expect(line).not.toContain("over")
    session.resume()
    expect([messages, losses]).toEqual([["<1>a", "<1>b"], []])
    expect(line.at(-1)).toBe("over")
  })

  test("what connections leave is kept as far as the pool can spare it, and the rest is a loss", () => {
    const pool = new CreditPool(100)
    const left = [10, 60].map((bytes) => {
      const { session, say, ...seen } = open(undefined, pool)
      seen.world.room.push({ kind: "full", delayMs: 3_600_000 })
      say(`<1>${"x".repeat(bytes - 4)}\n`)
      session.ended(undefined)
      return { session, ...seen }
    })
    expect(pool.left).toBe(90)
    for (const { session } of left) session.resume()
    expect(pool.left).toBe(100)
    const [first, second] = left
    expect([first?.messages.length, first?.losses, first?.world.waits]).toEqual([1, [], [1_000]])
    expect([second?.messages, second?.refused, second?.line.at(-1)]).toEqual([
      [],
      ["OVERLOADED"],
      "over",
    ])
    expect(second?.losses).toEqual([{ number: 0, reason: "OVERLOADED", unfinishedBytes: 0 }])
  })

  test("in the pool, a message that has begun waits for it, and gives it back", () => {
    const pool = new CreditPool(limits.syslogMessageBytesMax)
    expect(pool.take(10)).toBe(true)
    const { session, say, messages, line } = open(undefined, pool)
    say("<1>half")
    expect([line, session.isPaused, session.midMessage]).toEqual([["pause"], true, false])
    pool.give(10)
    expect([line, pool.left]).toEqual([["pause", "resume"], 0])
    say(" of it\n")
    expect([messages, pool.left]).toEqual([["<1>half of it"], limits.syslogMessageBytesMax])
  })
})

describe("the end", () => {
  test("of a connection between messages is no loss", () => {
    const { session, say, losses, line } = open()
    say("<1>a\n")
    session.ended(undefined)
    expect([losses, line]).toEqual([[], ["over"]])
  })

  test("within a message is a loss, and what came of it is taken", () => {
    const { session, say, messages, bodies, losses, pool } = open()
    say("<1>a\n<1>ha")
    session.ended(undefined)
    expect(messages).toEqual(["<1>a", "<1>ha"])
    expect(Buffer.from(bodies[1]?.region ?? []).toString()).toContain('"cut":true')
    expect(losses).toEqual([{ number: 2, reason: "ended in a message", unfinishedBytes: 5 }])
    expect(pool.left).toBe(limits.creditPoolBytes)
  })

  test("by a reset is a loss", () => {
    const { session, say, losses } = open()
    say("<1>a\n")
    session.ended("reset")
    expect(losses).toEqual([{ number: 1, reason: "reset", unfinishedBytes: 0 }])
  })

  test("by a deadline says so, once", () => {
    const { session, say, losses, refused, line } = open()
    say("<1>a\n<1>slow")
    session.dismiss("SYSLOG_TIMEOUT")
    session.ended("ended by the port")
    expect([refused, line]).toEqual([["SYSLOG_TIMEOUT"], ["cut", "over"]])
    expect(losses).toEqual([{ number: 2, reason: "SYSLOG_TIMEOUT", unfinishedBytes: 7 }])
  })

  test("of a grant gives up what is not taken", () => {
    const { session, say, messages, losses, refused, world } = open()
    say("<1>a\n")
    world.room.push({ kind: "refused", code: "NOT_GRANTED" })
    say("<1>b\n")
    say("<1>c\n")
    session.ended("ended by the port")
    expect([messages, refused]).toEqual([["<1>a"], ["NOT_GRANTED"]])
    expect(losses).toEqual([{ number: 1, reason: "NOT_GRANTED", unfinishedBytes: 0 }])
  })

  test("of what can be a message comes after the messages before it", () => {
    const { say, messages, refused, line } = open()
    say("<1>a\n99999999999 <1>forged\n<1>forged too\n")
    expect([messages, refused, line]).toEqual([["<1>a"], ["SYSLOG_FRAMING"], ["cut"]])
  })

  test("of a port that stops gives up who waits for room", () => {
    const { session, say, losses, refused, line, world } = open()
    world.room.push({ kind: "full", delayMs: 0 })
    say("<1>a\n")
    session.abandon("SHUTTING_DOWN")
    session.ended("ended by the port")
    expect([refused, line]).toEqual([[], ["pause", "cut", "over"]])
    expect(losses).toEqual([{ number: 0, reason: "SHUTTING_DOWN", unfinishedBytes: 0 }])
  })
})

test("a message counts when it is whole, so that its deadline runs from its first byte", () => {
  const { session, say } = open(200)
  say("<1>a\n10 <1>b")
  const { messages } = session
  for (const byte of "cdef") say(byte)
  expect([session.midMessage, session.messages]).toEqual([true, messages])
  say("gh")
  expect(session.messages).toBe(messages + 1)
  say("300 too large")
  expect(session.messages).toBe(messages + 2)
})

test("messages that are too large are counted each, and the writer's grant decides", () => {
  const { say, messages, refused } = open(200)
  say(`<1>a\n<1>${"x".repeat(200)}\n300 ${"y".repeat(300)}<1>b\n`)
  expect(messages).toEqual(["<1>a", "<1>b"])
  expect(refused).toEqual(["EVENT_TOO_LARGE", "EVENT_TOO_LARGE"])
})
