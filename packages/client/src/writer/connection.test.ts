import { streamDigestStart } from "@postern/log/wire"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { checkServer } from "../profile.ts"
import { serverId, writerId } from "./fake-port.test.support.ts"
import { Scene, waitMs, writeSome } from "./writer.test.support.ts"

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

describe("a writer", () => {
  it("delivers in order, and ends its stream when it is closed", async () => {
    const audit = await scene.connect()
    const ids = writeSome(audit, 500)
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(audit.status()).toMatchObject({ connected: true, pendingEvents: 0, acked: 500 })
    await audit.close()
    expect([...scene.port.streams.values()].map(({ isClosed }) => isClosed)).toEqual([true])
    expect(scene.problems).toEqual([])
  })

  it("starts while the port is down, and delivers when it is there", async () => {
    await scene.port.stop()
    const audit = await scene.connect()
    const ids = writeSome(audit, 20)
    await scene.told("UNREACHABLE")
    expect(audit.status()).toMatchObject({ connected: false, pendingEvents: 20 })
    await scene.port.listen()
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(scene.codes).toEqual(["UNREACHABLE"])
  })

  it("fails at once with `wait` when the port is down", async () => {
    await scene.port.stop()
    await expect(scene.connect({ wait: true })).rejects.toMatchObject({ code: "UNREACHABLE" })
    await scene.port.listen()
    await scene.connect({ wait: true })
  })

  it("goes on in its stream after an outage, and after a start of its own", async () => {
    const first = await scene.connect()
    const ids = writeSome(first, 10)
    await first.flush(waitMs)
    scene.port.manners.isSilent = true
    ids.push(...writeSome(first, 10))
    await scene.port.until(() => scene.port.entries.length === 20)
    await scene.port.stop()
    ids.push(...writeSome(first, 10))
    await first.spooled()
    await first.close(0)
    scene.port.release()
    await scene.port.listen()
    const second = await scene.connect()
    ids.push(...writeSome(second, 10))
    await second.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(scene.port.streams.size).toBe(1)
  })

  it("has every event kept once, in order, wherever connections are cut", async () => {
    const cut = fc.integer({ min: 1, max: 12_000 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(cut, { maxLength: 4 }),
        fc.array(cut, { maxLength: 4 }),
        async (receiving, sending) => {
          const { port } = scene
          port.entries.length = 0
          port.manners.cutsReceiving = receiving
          port.manners.cutsSending = sending
          const audit = await scene.connect()
          const ids = writeSome(audit, 60)
          await audit.flush(waitMs)
          await audit.close()
          expect(scene.logged).toEqual(ids)
        },
      ),
      { numRuns: 6 },
    )
    const outages = scene.codes.filter((code) => code !== "UNREACHABLE")
    expect(outages).toEqual([])
  })

  it("survives a cut at any byte of a connection", async () => {
    const audit = await scene.connect()
    writeSome(audit, 3)
    await audit.flush(waitMs)
    const [session] = scene.port.sessions
    const bytes = session?.receivedBytes ?? 0
    await audit.close()
    expect(bytes).toBeGreaterThan(500)
    for (let at = 1; at <= bytes; at += 97) {
      scene.port.entries.length = 0
      scene.port.manners.cutsReceiving = [at]
      const again = await scene.connect()
      const ids = writeSome(again, 3)
      await again.flush(waitMs)
      expect(scene.logged).toEqual(ids)
      await again.close()
    }
  })

  it("keeps to its credit and uses all of it", async () => {
    scene.port.manners.credit = 1
    const audit = await scene.connect()
    const ids = writeSome(audit, 2_000)
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(scene.port.batches).toBeGreaterThan(5)
    expect(scene.codes).toEqual([])
  })

  it("waits for credit while the port acknowledges nothing", async () => {
    scene.port.manners.isSilent = true
    const audit = await scene.connect()
    writeSome(audit, 2_000)
    const { port } = scene
    await port.until(() => port.batches * 60_000 > 65_536)
    await audit.spooled()
    const batches = port.batches
    expect(batches).toBeLessThan(4)
    port.release()
    await audit.flush(waitMs)
    expect(port.entries.length).toBe(2_000)
  })

  it("comes back after GOAWAY, and tells why unless the port drains", async () => {
    const audit = await scene.connect({ wait: true })
    const [first] = scene.port.sessions
    first?.goAway("SHUTTING_DOWN")
    await scene.port.until(() => scene.port.connections === 2 && scene.port.sessions.size === 1)
    const ids = writeSome(audit, 1)
    await audit.flush(waitMs)
    const [second] = scene.port.sessions
    second?.goAway("OVERLOADED")
    await scene.told("OVERLOADED")
    ids.push(...writeSome(audit, 1))
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(scene.codes).toEqual(["OVERLOADED"])
  })

  it("leaves a port that speaks nonsense, and comes back", async () => {
    const audit = await scene.connect({ wait: true })
    const [session] = scene.port.sessions
    session?.sendRaw(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"))
    await scene.told("FRAME_LENGTH")
    const ids = writeSome(audit, 3)
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
  })
})

describe("a stream that is disputed", () => {
  const newStreams = () => scene.port.streams.size

  it("is left for a new one when the port has forgotten what it acknowledged", async () => {
    const first = await scene.connect()
    writeSome(first, 10)
    await first.flush(waitMs)
    scene.port.manners.misopen = ({ id }) => ({ next: 0, digest: streamDigestStart(id) })
    for (const session of scene.port.sessions) session.cut()
    await scene.told("LOG_ROLLED_BACK")
    const ids = writeSome(first, 10)
    await first.flush(waitMs)
    expect(scene.logged.slice(10)).toEqual(ids)
    expect(newStreams()).toBe(2)
  })

  it("is left for a new one when the port's digest is another, and nothing is lost", async () => {
    await scene.port.stop()
    const audit = await scene.connect()
    const ids = writeSome(audit, 10)
    await scene.told("UNREACHABLE")
    scene.port.manners.misopen = () => ({ next: 0, digest: new Uint8Array(32).fill(7) })
    await scene.port.listen()
    await audit.flush(waitMs)
    expect(scene.codes).toContain("STREAM_EQUIVOCATION")
    expect(scene.logged).toEqual(ids)
    expect(newStreams()).toBe(2)
  })

  it("is compared once more after STREAM_HOLE: what the port has is not sent twice", async () => {
    const audit = await scene.connect({ wait: true })
    scene.port.manners.isSilent = true
    const ids = writeSome(audit, 10)
    await scene.port.until(() => scene.port.entries.length === 10)
    for (const session of scene.port.sessions) session.goAway("STREAM_HOLE", 3)
    scene.port.manners.isSilent = false
    await scene.told("STREAM_HOLE")
    ids.push(...writeSome(audit, 10))
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(newStreams()).toBe(2)
  })

  it("is left at once when it is somebody else's", async () => {
    const audit = await scene.connect({ wait: true })
    for (const session of scene.port.sessions) session.goAway("STREAM_FOREIGN")
    await scene.told("STREAM_FOREIGN")
    const ids = writeSome(audit, 5)
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(newStreams()).toBe(2)
  })
})

describe("whom a writer talks to", () => {
  const refused = async (code: string) => {
    await expect(scene.connect({ wait: true })).rejects.toMatchObject({ code })
    expect(scene.port.batches).toBe(0)
  }

  it.each([
    ["another server", ["spiffe://postern.test/other"]],
    ["two names, one of them right", [serverId, "spiffe://postern.test/other"]],
    ["no name", []],
    ["the name inside another", [`${serverId}/`]],
  ])("is not %s", async (_what, uris) => {
    await scene.end()
    scene = await Scene.begin(uris)
    await refused("TLS_HANDSHAKE")
  })

  it("is nobody of another CA", async () => {
    const other = await Scene.begin()
    const profile = scene.port.profile({ ca: other.port.authority.certificate })
    await other.end()
    const answer = scene.connect({ wait: true }, profile)
    await expect(answer).rejects.toMatchObject({ code: "TLS_HANDSHAKE" })
  })

  it("is no port of another protocol", async () => {
    scene.port.manners.protocols = ["postern/2"]
    await refused("TLS_HANDSHAKE")
  })

  it("is no port of another log", async () => {
    scene.port.manners.origin = "other.test/audit"
    await refused("NOTE_INVALID")
  })

  it("is told by a refusal of our certificate in words", async () => {
    const stranger = await Scene.begin()
    const profile = scene.port.profile(stranger.port.authority.issue(writerId))
    await stranger.end()
    const answer = scene.connect({ wait: true }, profile)
    await expect(answer).rejects.toMatchObject({ code: /UNREACHABLE|TLS_HANDSHAKE/ })
  })

  it("is not read out of a name in quotes", () => {
    const quoted = `URI:"spiffe://a/x, URI:${serverId}"`
    expect(checkServer(serverId, { subjectaltname: quoted })).toBeInstanceOf(Error)
    expect(checkServer(serverId, { subjectaltname: `DNS:x, URI:${serverId}` })).toBeUndefined()
    expect(checkServer(serverId, {} as { subjectaltname: string })).toBeInstanceOf(Error)
  })
})
