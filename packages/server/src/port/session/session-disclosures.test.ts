import { encodeUtf8, limits, PosternError } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { CreditPool } from "./index.ts"
import {
  acks,
  beat,
  disclosureFrames,
  expectGoaway,
  hello,
  openSession,
  openStreamSession,
  ping,
  raw,
} from "./sessions.test.support.ts"

const salt = "_26bc4LT-ac6q2KI6cBW5es"
/** A disclosure of so many bytes. */
function disclosureOf(bytes: number): Uint8Array {
  const head = encodeDisclosure(salt, "data", encodeUtf8('""')).length
  return encodeDisclosure(salt, "data", encodeUtf8(`"${"x".repeat(bytes - head)}"`))
}
const small = disclosureOf(100)
const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Sends frames as a writer does that keeps to its credit, and says so when it cannot go on. */
function sendWithCredit(
  opened: ReturnType<typeof openStreamSession>,
  frames: readonly Uint8Array[],
) {
  let [credit, sent, done] = [limits.creditBytesStart as number, 0, 0]
  for (const frame of frames) {
    for (const said of opened.heard()) {
      if (said.type === "credit" && "credit" in said) credit = said.credit as number
    }
    if (sent >= credit) break
    opened.send(frame)
    sent += frame.length
    done += 1
  }
  return { sent, done }
}

describe("a disclosure", () => {
  test("in one frame or in many is handed on whole, with its digest", async () => {
    const sizes = fc.tuple(fc.integer({ min: 40, max: 3000 }), fc.integer({ min: 20, max: 4000 }))
    await fc.assert(
      fc.asyncProperty(sizes, async ([bytes, partBytes]) => {
        const { send, intake } = openStreamSession()
        const json = disclosureOf(bytes)
        send(...disclosureFrames(json, partBytes))
        expect(intake.keeping.map(({ digest }) => digest)).toEqual([disclosureDigest(json)])
        expect(Buffer.from(intake.keeping[0]?.bytes ?? []).equals(json)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test("is kept before the batch behind it is looked at", async () => {
    const { send, intake, frames } = openStreamSession()
    send(...disclosureFrames(small), frames.batch(1), ...disclosureFrames(small), frames.batch(1))
    expect([intake.keeping.length, intake.offers.length]).toEqual([1, 0])
    intake.keeping[0]?.done()
    await tick()
    expect([intake.keeping.length, intake.offers.length]).toEqual([2, 1])
    intake.keeping[1]?.done()
    await tick()
    expect(intake.offers).toHaveLength(2)
  })

  test("of 8 MiB comes through a window of 64 KiB, and no byte of it stays lent", async () => {
    const pool = new CreditPool()
    const opened = openStreamSession(pool)
    const json = disclosureOf(limits.disclosureBytesMax)
    const parts = disclosureFrames(json, 60_000)
    expect(sendWithCredit(opened, parts).done).toBe(parts.length)
    const { keeping } = opened.intake
    expect(keeping).toHaveLength(1)
    expect(Buffer.from(keeping[0]?.bytes ?? []).equals(json)).toBe(true)
    keeping[0]?.done()
    await tick()
    opened.session.ended()
    expect(pool.left).toBe(limits.creditPoolBytes)
  })

  test("in frames of a MiB takes a window each and no more", async () => {
    const opened = openStreamSession()
    const parts = disclosureFrames(disclosureOf(5_000_000), 1_048_000)
    expect(sendWithCredit(opened, parts).done).toBe(parts.length)
    expect(opened.intake.keeping).toHaveLength(1)
  })

  test("in one frame keeps its credit until it is kept", async () => {
    const opened = openStreamSession()
    const [first, second] = [disclosureOf(64_000), disclosureOf(63_000)]
    const frames = [...disclosureFrames(first), ...disclosureFrames(second)]
    frames.push(...disclosureFrames(small))
    expect(sendWithCredit(opened, frames).done).toBe(2)
    opened.intake.keeping[0]?.done()
    await tick()
    expect(opened.heard()).toMatchObject([{ type: "credit" }])
  })

  test("that could not be kept ends the connection", async () => {
    for (const [error, code] of [
      [new PosternError("DISK_FULL"), "DISK_FULL"],
      [new Error("EIO"), "DISK_FAILED"],
    ] as const) {
      const opened = openStreamSession()
      opened.send(...disclosureFrames(small), opened.frames.batch(1))
      opened.intake.keeping[0]?.fail(error)
      await tick()
      expectGoaway(opened, code)
      expect(opened.intake.offers).toEqual([])
    }
  })
})

describe("of an enemy", () => {
  const parts = () => disclosureFrames(small, 40)
  const [first = new Uint8Array(), second = new Uint8Array()] = parts()
  const other = disclosureFrames(disclosureOf(120), 50)
  const attacks: Record<string, readonly Uint8Array[]> = {
    "a digest of something else": disclosureFrames(small, 40, Buffer.alloc(32)),
    "a digest of the bytes and not of their text": disclosureFrames(
      small,
      200,
      Buffer.alloc(32, 1),
    ),
    "a part of another one in between": [first, other[0] ?? first],
    "the same part twice": [first, first, second, ...parts().slice(2)],
    "a part left out": [first, ...parts().slice(2)],
    "a PING in between": [first, ping("x"), second],
    "a BEAT in between": [first, beat(0)],
    "a second HELLO in between": [first, hello()],
  }
  test.each(Object.keys(attacks))("%s is refused, and nothing is kept", (name) => {
    const opened = openStreamSession()
    opened.send(...(attacks[name] ?? []))
    expectGoaway(opened, "DISCLOSURE_SYNTAX")
    expect(opened.intake.keeping).toEqual([])
  })

  test("a batch in the middle is refused as well", () => {
    const opened = openStreamSession()
    opened.send(first, opened.frames.batch(1))
    expectGoaway(opened, "DISCLOSURE_SYNTAX", {
      detail: "a frame of another kind stands within it",
    })
    expect(opened.intake.offers).toEqual([])
  })

  test.each([
    ["an empty part", Buffer.alloc(33)],
    ["no digest", Buffer.alloc(20)],
    ["neither more nor no more", Buffer.concat([Buffer.alloc(32), Buffer.from([2, 0x5b])])],
  ])("%s is no frame", (_, body) => {
    const opened = openStreamSession()
    opened.send(raw(19, body))
    expectGoaway(opened, "FRAME_SYNTAX")
  })

  test("one byte more than 8 MiB is refused as soon as it comes", () => {
    const opened = openStreamSession()
    const json = disclosureOf(limits.disclosureBytesMax + 1)
    sendWithCredit(opened, disclosureFrames(json, 1_000_000))
    expectGoaway(opened, "DISCLOSURE_SYNTAX", { detail: "it is too large" })
  })

  test("what is sent without credit is refused", () => {
    const opened = openStreamSession()
    // The last of them is begun beyond what was granted: nothing is kept yet, so nothing was given back.
    for (const bytes of [65_000, 600, 100]) opened.send(...disclosureFrames(disclosureOf(bytes)))
    opened.session.resume()
    opened.send(...disclosureFrames(small))
    opened.session.resume()
    expectGoaway(opened, "CREDIT_EXCEEDED")
  })

  test("a writer without a stream hands nothing over", () => {
    const opened = openSession()
    opened.send(hello(), ...disclosureFrames(small))
    expectGoaway(opened, "FRAME_ORDER")
  })
})

describe("memory", () => {
  const begin = (pool: CreditPool, writer: string) => {
    const opened = openStreamSession(pool, writer)
    opened.send(...disclosureFrames(small, 60).slice(0, 1))
    return opened
  }
  const finish = (opened: ReturnType<typeof openStreamSession>) => {
    opened.send(...disclosureFrames(small, 60).slice(1))
    return opened.intake.keeping.length === 1
  }

  test("is that of four disclosures at once: the others wait in their order and are not read", async () => {
    const pool = new CreditPool()
    const sessions = ["a", "b", "c", "d", "e", "f"].map((writer) => begin(pool, writer))
    expect(sessions.map(({ line }) => line.paused)).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ])
    expect(sessions[4]?.session.midFrame).toBe(false) // It is not its writer who is slow.
    const [a, b, , , e, f] = sessions as [...typeof sessions, never]
    expect(finish(a as never)).toBe(true)
    expect(e?.line.paused).toBe(true)
    a?.intake.keeping[0]?.done()
    await tick()
    expect([e?.line.paused, e?.session.midFrame, f?.line.paused]).toEqual([false, true, true])
    b?.session.ended()
    expect(f?.line.paused).toBe(false)
    expect([finish(e as never), finish(f as never)]).toEqual([true, true])
  })

  test("is that of one disclosure for one writer, however many connections it has", () => {
    const pool = new CreditPool()
    const sessions = ["a", "a", "a", "a", "a", "b"].map((writer) => begin(pool, writer))
    expect(sessions.map(({ line }) => line.paused)).toEqual([false, true, true, true, true, false])
    sessions[1]?.session.ended() // It does not wait any more.
    sessions[0]?.session.ended()
    expect(sessions.map(({ line }) => line.paused)).toEqual([false, true, false, true, true, false])
  })

  test("of one that is on its way to the disk is not given to another", async () => {
    const pool = new CreditPool()
    const one = begin(pool, "a")
    finish(one)
    const two = begin(pool, "a")
    one.session.ended()
    expect(two.line.paused).toBe(true)
    one.intake.keeping[0]?.done()
    await tick()
    expect(two.line.paused).toBe(false)
    expect(one.heard()).toEqual([])
  })

  test("is not needed for what comes in one frame", () => {
    const pool = new CreditPool()
    for (const writer of ["a", "b", "c", "d"]) begin(pool, writer)
    const opened = openStreamSession(pool, "e")
    opened.send(...disclosureFrames(small))
    expect(opened.intake.keeping).toHaveLength(1)
  })

  test("is free again whenever and however a session ends", async () => {
    const pool = new CreditPool()
    const ends = fc.record({
      sent: fc.nat({ max: 4 }),
      isKept: fc.boolean(),
      isSpoiled: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(ends, { maxLength: 6 }), async (all) => {
        const sessions = all.map(({ sent }) => {
          const opened = openStreamSession(pool, "a")
          opened.send(...disclosureFrames(small, 40).slice(0, sent))
          return opened
        })
        for (const [i, { isKept, isSpoiled }] of all.entries()) {
          const { session, line, send, intake } = sessions[i] as (typeof sessions)[0]
          if (isSpoiled && !line.ended) send(ping("x"))
          if (isKept) intake.keeping[0]?.done()
          session.ended()
          intake.keeping[0]?.done()
          await tick()
        }
        const after = openStreamSession(pool, "a")
        after.send(...disclosureFrames(small, 40))
        expect(after.intake.keeping).toHaveLength(1)
        after.intake.keeping[0]?.done()
        await tick()
        after.session.ended()
        expect(pool.left).toBe(limits.creditPoolBytes)
      }),
      { numRuns: 40 },
    )
  })
})

test("a disclosure that goes on is the frame that has begun: its deadline is one", () => {
  const { session, send } = openStreamSession()
  const frames = disclosureFrames(disclosureOf(300), 100)
  const before = session.frames
  send(frames[0] ?? new Uint8Array())
  expect([session.midFrame, session.frames]).toEqual([true, before + 1])
  send(frames[1] ?? new Uint8Array())
  expect([session.midFrame, session.frames]).toEqual([true, before + 1])
})

test("the batch behind disclosures is acknowledged with all credit back", async () => {
  const { send, heard, intake, frames } = openStreamSession()
  const parts = disclosureFrames(disclosureOf(40_000), 10_000)
  send(...parts, frames.batch(1))
  intake.keeping[0]?.done()
  await tick()
  intake.commit()
  const sent = [...parts].reduce((sum, { length }) => sum + length, 0)
  expect(acks(heard())[0]?.credit).toBeGreaterThanOrEqual(limits.creditBytesStart + sent)
})
