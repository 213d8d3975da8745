import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { encodeAltered, encodeFrame, frameTypes } from "@postern/log/wire"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { Scene, waitMs, writeSome } from "./writer.test.support.ts"

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

/** What a port says of events of the batch that begins at this sequence. */
function altered(sequence: number, positions: readonly number[], bytes = 2): Uint8Array[] {
  const events = positions.map((position) => {
    return { position, changed: 4 as const, event: new Uint8Array(bytes) }
  })
  return [...encodeAltered({ channel: 0, sequence, events })].map((body) =>
    encodeFrame(frameTypes.altered, body),
  )
}

function say(frames: readonly Uint8Array[]): void {
  for (const session of scene.port.sessions) for (const frame of frames) session.sendRaw(frame)
}

/** What is held when all is collected that may be; the engine lets go of buffers behind its own back. */
async function heldBytes(): Promise<number> {
  setFlagsFromString("--expose-gc")
  for (let i = 0; i < 5; i++) {
    runInNewContext("gc")()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().arrayBuffers
}

describe("what a port says that it altered", () => {
  it("takes no memory if the events were never sent", async () => {
    const audit = await scene.connect({ wait: true })
    writeSome(audit, 1)
    await audit.flush(waitMs)
    const before = await heldBytes()
    for (let sequence = 1_000; sequence < 1_100; sequence++) {
      say(altered(sequence, [0, 1, 2, 3, 4, 5, 6, 7], 60_000))
    }
    // What comes after it was heard after it.
    await audit.confirm("thing.done", { id: "last", actor: "alice" })
    expect(((await heldBytes()) - before) / 2 ** 20).toBeLessThan(20)
  })

  it("is counted once the batch is acknowledged, and a receipt over another event holds nothing", async () => {
    scene.port.manners.isSilent = true
    const audit = await scene.connect({ wait: true })
    const confirmed = audit.confirm("thing.done", { actor: "alice" }).catch((error) => error.code)
    await scene.port.until(() => scene.port.entries.length === 1)
    say(altered(0, [0]))
    expect(audit.status().altered).toBe(0)
    scene.port.release()
    expect(await confirmed).toBe("RECEIPT_INVALID")
    expect(audit.status()).toMatchObject({ acked: 1, altered: 1, notKept: 0, refused: 0 })
  })

  it.each([
    ["an event that its batch has not", [[1]], 2],
    ["one event twice", [[0], [0]], 2],
    ["an event that no entry holds", [[0]], 65_536],
  ])("ends the connection if it is of %s", async (_, frames, bytes) => {
    scene.port.manners.isSilent = true
    const audit = await scene.connect({ wait: true })
    writeSome(audit, 1)
    await scene.port.until(() => scene.port.entries.length === 1)
    const { connections } = scene.port
    say(frames.flatMap((positions) => altered(0, positions, bytes)))
    await scene.port.until(() => scene.port.connections > connections)
    expect(scene.codes).toContain("FRAME_SYNTAX")
  })
})
