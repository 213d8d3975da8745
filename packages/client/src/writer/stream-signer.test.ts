import { generateKeyPairSync } from "node:crypto"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { FakeStream } from "./fake-port.test.support.ts"
import { StreamSigner } from "./stream-signer.ts"
import type { World } from "./world.ts"
import { hasty, Scene, waitMs, writeSome } from "./writer.test.support.ts"

/** A world in which a beat is due as soon as anybody waits for one. */
const beating: World = {
  ...hasty,
  startTimer: (run, delayMs) => hasty.startTimer(run, delayMs === 30_000 ? 0 : delayMs),
}

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

const streams = (): FakeStream[] => [...scene.port.streams.values()]
const signedUpTo = (next: number) => () =>
  streams().some(({ signed }) => signed.at(-1)?.next === next)

describe("a writer signs", () => {
  it("for what it sent while its stream goes on, once more when it rests, and for its end", async () => {
    const audit = await scene.connect({ world: beating })
    for (let i = 1; i <= 5; i++) {
      writeSome(audit, 100)
      await audit.flush(waitMs)
      await scene.port.until(signedUpTo(i * 100))
    }
    await audit.close()
    const [stream] = streams()
    expect(stream?.signed.filter(({ next }) => next === 500)).toEqual([
      { kind: "beat", next: 500 },
      { kind: "close", next: 500 },
    ])
    expect(scene.problems).toEqual([])
  })

  it("nothing again after an outage in which nothing was sent", async () => {
    const audit = await scene.connect({ world: beating })
    writeSome(audit, 10)
    await audit.flush(waitMs)
    await scene.port.until(signedUpTo(10))
    for (let outage = 0; outage < 3; outage++) {
      const before = new Set(scene.port.sessions)
      await scene.port.stop()
      await scene.port.listen()
      // What is sent before the writer has noticed is sent again, and signed again.
      await scene.port.until(() => [...scene.port.sessions].some((one) => !before.has(one)))
      await audit.confirm("a.b", { actor: "a" })
      await scene.port.until(signedUpTo(11 + outage))
    }
    const points = streams().flatMap(({ signed }) => signed.map(({ next }) => next))
    expect(new Set(points).size).toBe(points.length)
  })

  it("again for what was sent into a connection that had ended unnoticed", async () => {
    const audit = await scene.connect({ world: beating })
    for (let outage = 1; outage <= 5; outage++) {
      await scene.port.stop()
      await scene.port.listen()
      await audit.confirm("a.b", { actor: "a" })
      await scene.port.until(signedUpTo(outage))
    }
    expect(streams()).toHaveLength(1)
  })

  it("nothing for a stream in which nothing was sent", async () => {
    const audit = await scene.connect({ world: beating, wait: true })
    await audit.close()
    expect(streams().map(({ signed, isClosed }) => ({ signed, isClosed }))).toEqual([
      { signed: [], isClosed: true },
    ])
  })

  it("on after an outage, also while it sends again what was not acknowledged", async () => {
    const audit = await scene.connect({ world: beating })
    scene.port.manners.isSilent = true
    writeSome(audit, 50)
    await scene.port.until(signedUpTo(50))
    await scene.port.stop()
    writeSome(audit, 50)
    scene.port.manners.isSilent = false
    await scene.port.listen()
    await audit.flush(waitMs)
    await scene.port.until(signedUpTo(100))
    await audit.close()
    expect(scene.port.streams.size).toBe(1)
    expect(scene.codes.filter((code) => code !== "UNREACHABLE")).toEqual([])
  })

  it("over a gap", async () => {
    const audit = await scene.connect({ world: beating, spool: { bytesMax: 262_144 } })
    await scene.port.stop()
    writeSome(audit, 3_000)
    await audit.spooled().catch(() => undefined)
    await scene.port.listen()
    await audit.flush(waitMs)
    await scene.port.until(signedUpTo(3_000))
    expect(streams().flatMap(({ gaps }) => gaps).length).toBeGreaterThan(0)
    expect(scene.codes).not.toContain("STREAM_SIGNATURE")
  })

  it("no more once the port refuses it, and delivers as before", async () => {
    scene.port.manners.distrusts = true
    const audit = await scene.connect({ world: beating })
    const ids = writeSome(audit, 10)
    await scene.told("STREAM_SIGNATURE")
    ids.push(...writeSome(audit, 10))
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    await audit.close()
    expect(streams().map(({ isClosed }) => isClosed)).toEqual([true])
  })
})

describe("a key that signs no streams", () => {
  it.each([
    ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["P-384", generateKeyPairSync("ec", { namedCurve: "P-384" })],
  ])("%s", (_, { privateKey }) => {
    const signer = new StreamSigner(hasty, () => undefined)
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString()
    signer.begin(scene.port.profile({ key }))
    const point = { stream: "0".repeat(32), next: 1, digest: new Uint8Array(32) }
    expect(signer.sign("beat", point)).toBeUndefined()
  })
})
