import { once } from "node:events"
import type { Socket } from "node:net"
import { limits } from "@postern/log/base"
import { type Frame, FrameReader, frameTypes } from "@postern/log/wire"
import { afterEach, describe, expect, test } from "vitest"
import { CreditPool } from "../session/index.ts"
import {
  disclosureFrames,
  FakeIntake,
  hello,
  openOn,
  ping,
  streamOf,
} from "../session/sessions.test.support.ts"
import { closeAll, closed, connectPair, ManualDeadlines, peer } from "./doors.test.support.ts"
import { serveFramed } from "./index.ts"

afterEach(closeAll)

/** A connection served by the door, and what comes to its peer. */
async function enter() {
  const { port, far } = await connectPair()
  const intake = new FakeIntake()
  const deadlines = new ManualDeadlines()
  const pool = new CreditPool()
  const forgotten: unknown[] = []
  const session = serveFramed(port, peer, {
    ...{ intake, pool, deadlines, sessionName: () => "session" },
    forget: (owner) => void forgotten.push(owner),
  })
  const say = async (bytes: Uint8Array): Promise<void> => {
    const heard = once(port, "data")
    far.write(bytes)
    await heard
  }
  return { port, far, intake, deadlines, pool, forgotten, session, say }
}

/** Reads frames until one of this type comes. */
async function frameOf(far: Socket, type: number): Promise<Frame> {
  const reader = new FrameReader()
  for (;;) {
    for (const frame of reader) if (frame.type === type) return frame
    const [chunk] = (await once(far, "data")) as [Buffer]
    reader.push(new Uint8Array(chunk))
  }
}

async function goawayCode(far: Socket): Promise<string> {
  const { body } = await frameOf(far, frameTypes.goaway)
  return JSON.parse(Buffer.from(body).toString()).code
}

describe("deadlines", () => {
  test("HELLO has ten seconds", async () => {
    const { far, deadlines, say, intake } = await enter()
    await say(hello().subarray(0, 4))
    deadlines.pass(9_999)
    expect(intake.refusals).toEqual([])
    const code = goawayCode(far)
    deadlines.pass(1)
    expect(await code).toBe("FRAME_TIMEOUT")
    expect(intake.refusals).toHaveLength(1)
  })

  test("a frame has thirty seconds from its first byte, however it trickles in", async () => {
    const { far, deadlines, say } = await enter()
    await say(hello())
    const slow = ping("x".repeat(60))
    for (let i = 0; i < 29; i++) {
      await say(slow.subarray(i, i + 1))
      deadlines.pass(1000)
    }
    const code = goawayCode(far)
    await say(slow.subarray(29, 30))
    deadlines.pass(1000)
    expect(await code).toBe("FRAME_TIMEOUT")
  })

  test("each frame has its own thirty seconds, also if there is never a pause between them", async () => {
    const { session, deadlines, say } = await enter()
    await say(hello())
    const frame = ping("abc")
    const shifted = Buffer.concat([frame.subarray(2), frame.subarray(0, 2)])
    await say(frame.subarray(0, 2))
    for (let i = 0; i < 20; i++) {
      deadlines.pass(20_000)
      await say(shifted)
    }
    expect(session.closed).toBe(false)
    expect(session.midFrame).toBe(true)
  })

  test("a disclosure has thirty seconds, however many frames it comes in", async () => {
    const { far, intake, deadlines, say, session } = await enter()
    await say(Buffer.concat([hello(), openOn(0)]))
    intake.opens[0]?.done(streamOf(50))
    const frames = disclosureFrames(Buffer.alloc(100, "x"), 3)
    for (const frame of frames.slice(0, 30)) {
      await say(frame)
      deadlines.pass(999)
    }
    expect(session.closed).toBe(false)
    const code = goawayCode(far)
    deadlines.pass(30)
    expect(await code).toBe("FRAME_TIMEOUT")
  })

  test("a disclosure that waits for its place has its thirty seconds from then on", async () => {
    const { far, intake, deadlines, pool, say, session } = await enter()
    for (const other of ["a", "b", "c", "d"]) pool.assemblies.take(other, () => undefined)
    await say(Buffer.concat([hello(), openOn(0)]))
    intake.opens[0]?.done(streamOf(50))
    await say(disclosureFrames(Buffer.alloc(100, "x"), 60)[0] ?? Buffer.alloc(0))
    deadlines.pass(60_000)
    expect([session.closed, session.midFrame]).toEqual([false, false])
    pool.assemblies.give("b")
    expect(session.midFrame).toBe(true)
    deadlines.pass(29_999)
    expect(session.closed).toBe(false)
    const code = goawayCode(far)
    deadlines.pass(1)
    expect(await code).toBe("FRAME_TIMEOUT")
  })

  test("a silent peer has five minutes, a PING gives it five more", async () => {
    const { far, session, deadlines, say } = await enter()
    await say(hello())
    deadlines.pass(299_000)
    await say(ping("x"))
    deadlines.pass(299_000)
    expect(session.closed).toBe(false)
    const code = goawayCode(far)
    deadlines.pass(1000)
    expect(await code).toBe("IDLE_TIMEOUT")
  })

  test("a peer that was told to go has ten seconds to do so", async () => {
    const { port, far, session, deadlines, say } = await enter()
    far.pause()
    await say(hello())
    session.dismiss("SHUTTING_DOWN")
    deadlines.pass(9_999)
    expect(port.destroyed).toBe(false)
    deadlines.pass(1)
    expect(port.destroyed).toBe(true)
  })
})

describe("a peer that does not read", () => {
  /** Asks for answers and takes none, until the door reads no more. */
  async function glut() {
    const entered = await enter()
    const { port, far, say } = entered
    far.pause()
    await say(hello())
    const many = Buffer.concat(Array.from({ length: 2000 }, () => ping("y".repeat(64))))
    let sent = 0
    while (!port.isPaused()) {
      far.write(many)
      sent += many.length
      await new Promise((wake) => setImmediate(wake))
      if (sent > 512 << 20) throw new Error("the door never stopped reading")
    }
    return entered
  }

  test("is not read either, and cut after ten seconds, which leaves an entry", async () => {
    const { port, deadlines, intake, pool } = await glut()
    expect(port.writableLength).toBeLessThan(256 << 10)
    deadlines.pass(10_000)
    expect(port.destroyed).toBe(true)
    expect(intake.refusals.map(({ code }) => code)).toEqual(["ANSWERS_UNREAD"])
    expect(pool.left).toBe(limits.creditPoolBytes)
  })

  test("is read again as soon as it reads", async () => {
    const { port, far, deadlines } = await glut()
    const drained = once(port, "drain")
    far.resume()
    await drained
    expect(port.isPaused()).toBe(false)
    deadlines.pass(10_000)
    expect(port.destroyed).toBe(false)
  })
})

describe("the end", () => {
  test("of a connection is the end of its session, and of all deadlines", async () => {
    for (const leave of ["end", "resetAndDestroy"] as const) {
      const { port, far, intake, deadlines, pool, forgotten, session, say } = await enter()
      const { left } = pool
      await say(hello())
      await say(openOn(0))
      await say(ping("x").subarray(0, 3))
      far[leave]()
      far.resume()
      await closed(port)
      expect(session.closed).toBe(true)
      expect(forgotten).toEqual([session])
      expect(deadlines.count()).toBe(0)
      expect(pool.left).toBeGreaterThan(left)
      intake.opens[0]?.done(streamOf(5))
    }
  })

  test("that the port says comes with its reason", async () => {
    const { far, say, session } = await enter()
    await say(hello())
    const code = goawayCode(far)
    session.dismiss("NOT_GRANTED")
    expect(await code).toBe("NOT_GRANTED")
    far.resume()
    await once(far, "end")
  })

  test("comes at once for one who finds the pool empty", async () => {
    const { port, far } = await connectPair()
    const intake = new FakeIntake()
    const code = goawayCode(far)
    serveFramed(port, peer, {
      ...{ intake, pool: new CreditPool(10), deadlines: new ManualDeadlines() },
      sessionName: () => "session",
      forget: () => undefined,
    })
    expect(await code).toBe("OVERLOADED")
  })
})
