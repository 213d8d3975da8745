import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { FakeStream } from "./fake-port.test.support.ts"
import { Scene, waitMs, writeSome } from "./writer.test.support.ts"

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

const streams = (): FakeStream[] => [...scene.port.streams.values()]
const segments = () =>
  readdirSync(scene.directory)
    .filter((name) => name.startsWith("segment-"))
    .map((name) => join(scene.directory, name))

/** A writer that has delivered ten events, and has so many more in its spool when it is closed. */
async function leave(undelivered: number): Promise<string[]> {
  const audit = await scene.connect()
  const ids = writeSome(audit, 10)
  await audit.flush(waitMs)
  if (undelivered === 0) {
    await audit.close()
    return ids
  }
  await scene.port.stop()
  for (let i = 0; i < undelivered; i++) {
    ids.push(...writeSome(audit, 1))
    await audit.spooled() // A frame for each.
  }
  await audit.close(0)
  await scene.port.listen()
  return ids
}

async function goOn(): Promise<string[]> {
  const audit = await scene.connect()
  const ids = writeSome(audit, 5)
  await audit.flush(waitMs)
  return ids
}

describe("after a restart", () => {
  it("a record that was damaged is a gap in the log, of as many events, and the rest is delivered", async () => {
    const ids = await leave(6)
    const [path = ""] = segments()
    const bytes = readFileSync(path)
    const at = bytes.indexOf(`"${ids[12]}"`)
    bytes[at + 1] = 0x58
    writeFileSync(path, bytes)
    const more = await goOn()
    const lost = ids.splice(12, 1)
    expect(lost).toHaveLength(1)
    expect(scene.logged).toEqual([...ids, ...more])
    expect(streams().map(({ gaps }) => gaps)).toEqual([
      [{ sequence: 12, count: 1, reason: "the spool was damaged" }],
    ])
    expect(scene.codes).toContain("SPOOL_DAMAGED")
  })

  it("files that are gone are a gap in the log, of as many events", async () => {
    const ids = await leave(6)
    for (const path of segments()) rmSync(path)
    const more = await goOn()
    expect(scene.logged).toEqual([...ids.slice(0, 10), ...more])
    expect(streams().map(({ gaps }) => gaps)).toEqual([
      [{ sequence: 10, count: 6, reason: "the spool was damaged" }],
    ])
  })

  it("a spool that is gone whole is a new stream that goes on from none; the old one is never ended", async () => {
    await leave(6)
    rmSync(scene.directory, { recursive: true })
    await goOn()
    const [before, after] = streams()
    expect(before).toMatchObject({ next: 10, isClosed: false })
    expect(after).toMatchObject({ next: 5, previous: undefined })
  })

  it("events whose stream is forgotten are sent again, in a stream that goes on from none", async () => {
    const ids = await leave(6)
    rmSync(join(scene.directory, "meta"))
    const more = await goOn()
    const [before, after] = streams()
    expect(before).toMatchObject({ next: 10, isClosed: false })
    expect(after?.previous).toBeUndefined()
    expect(scene.logged.slice(-11)).toEqual([...ids.slice(10), ...more])
  })

  it("a spool that was closed in order goes on in a stream that names the one before", async () => {
    await leave(0)
    await goOn()
    const [before, after] = streams()
    expect(before?.isClosed).toBe(true)
    expect(after?.previous).toBe(before?.id)
  })
})
