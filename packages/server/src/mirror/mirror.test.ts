import { existsSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { afterEach, describe, expect, test } from "vitest"
import { followLog, listSegments, readLastSigned, segmentPath } from "../disk/index.ts"
import { verifyDirectory } from "../guard/verify/index.ts"
import { origin } from "../guard/verify/written-log.test.support.ts"
import { MirrorLog } from "./index.ts"
import { mirrorUpTo, openScene, removeDirectories, type Scene } from "./mirror.test.support.ts"

afterEach(removeDirectories)

/** Every byte that a follower or a recovery could look at. */
async function expectSame(scene: Scene): Promise<void> {
  const { log, path, vkey } = scene
  const firsts = await listSegments(log.path)
  expect(await listSegments(path)).toEqual(firsts)
  const view = await followLog(log.path)
  const own = await followLog(path)
  expect(own.head()).toEqual(view.head())
  for (const first of firsts) {
    for (const kind of ["start", "offsets"] as const) {
      const theirs = await readFile(segmentPath(log.path, first, kind))
      expect((await readFile(segmentPath(path, first, kind))).equals(theirs), kind).toBe(true)
    }
    const [a, b] = await Promise.all(
      [log.path, path].map(async (one) => trimmed(await readFile(segmentPath(one, first, "seg")))),
    )
    expect(a?.equals(b ?? Buffer.alloc(0)), `segment ${first}`).toBe(true)
  }
  expect(await own.checkpoint()).toBe(await view.checkpoint())
  await Promise.all([view.close(), own.close()])
  expect((await verifyDirectory(path, { vkey, full: true })).findings).toEqual([])
}

/** Without the zeros that are written ahead. */
function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end -= 1
  return bytes.subarray(0, end)
}

describe("a mirror", () => {
  test("is the same in every slot, and verifies", async () => {
    const scene = await openScene()
    await mirrorUpTo(scene, scene.log.size)
    await expectSame(scene)
    expect((await verifyDirectory(scene.path, { vkey: scene.vkey })).verified).toBe(true)
    await scene.log.close()
  })

  test("of compressed segments is the same as before they were", async () => {
    const scene = await openScene()
    await mirrorUpTo(scene, scene.log.size)
    const other = { ...scene, path: `${scene.path}-of-compressed` }
    await scene.log.compress()
    await mirrorUpTo(other, scene.log.size)
    expect((await verifyDirectory(other.path, { vkey: scene.vkey, full: true })).findings).toEqual(
      [],
    )
    for (const first of await listSegments(other.path)) {
      const [one, two] = await Promise.all(
        [scene, other].map(({ path }) => readFile(segmentPath(path, first, "seg"))),
      )
      expect(one?.equals(two ?? Buffer.alloc(0)), `segment ${first}`).toBe(true)
    }
    await scene.log.close()
  })

  test("goes on at its own next slot, wherever an answer broke off", async () => {
    const scene = await openScene()
    const { source, log } = scene
    source.pieceBytes = 1000
    for (let bytesMax = 3000; log.size > (await sizeOf(scene)); ) {
      source.bytesMax = bytesMax
      await mirrorUpTo(scene, 0)
      bytesMax += 9000
    }
    source.bytesMax = Number.POSITIVE_INFINITY
    await mirrorUpTo(scene, log.size)
    expect(new Set(source.asked).size).toBeGreaterThan(5)
    await expectSame(scene)
    await log.close()
  })

  test("follows what is written later, and keeps the newer checkpoint", async () => {
    const scene = await openScene()
    const { log, path } = scene
    await mirrorUpTo(scene, log.size)
    log.own("later", {})
    await log.commit()
    await log.roll()
    log.own("later still", {})
    await log.commit()
    await log.checkpoint()
    await mirrorUpTo(scene, log.size)
    await expectSame(scene)
    expect((await readLastSigned(path))?.size).toBe(log.size)
    await log.close()
  })

  test("confirms no more than it has synced, and the origin's root agrees", async () => {
    const scene = await openScene()
    await mirrorUpTo(scene, scene.log.size)
    expect(scene.source.confirmed.length).toBeGreaterThan(0)
    expect(Math.max(...scene.source.confirmed)).toBeLessThanOrEqual(await sizeOf(scene))
    expect(scene.events.some(({ what }) => what === "confirmed")).toBe(true)
    await scene.log.close()
  })

  test("has one writer", async () => {
    const scene = await openScene()
    const log = await MirrorLog.open(scene.path, { origin, vkey: scene.vkey })
    await expect(mirrorUpTo(scene, 1)).rejects.toMatchObject({ code: "LOG_LOCKED" })
    await log.close()
    await scene.log.close()
  })

  test("asks again when the origin is away or says that it is busy", async () => {
    const scene = await openScene()
    const { source, log } = scene
    const answer = source.slots.bind(source)
    const failures = ["UNREACHABLE", "OVERLOADED", "READ_UNRECORDED"] as const
    let count = 0
    source.slots = (from) => {
      const code = failures[count++]
      return code === undefined ? answer(from) : Promise.reject(new PosternError(code))
    }
    await mirrorUpTo(scene, log.size)
    const waits = scene.events.filter(({ what }) => what === "waiting")
    expect(waits.slice(0, 3)).toMatchObject(failures.map((code) => ({ code })))
    await expectSame(scene)
    await log.close()
  })
})

async function sizeOf({ path }: Scene): Promise<number> {
  if (!existsSync(join(path, "head"))) return 0
  try {
    const view = await followLog(path)
    const { size } = view.head()
    await view.close()
    return size
  } catch (error) {
    if (error instanceof PosternError && error.code === "NOT_FOUND") return 0
    throw error
  }
}

describe("a directory that was a mirror's", () => {
  test("is opened by a port's store as its own", async () => {
    const scene = await openScene()
    await mirrorUpTo(scene, scene.log.size)
    await scene.log.close()
    const names = await readdir(scene.path)
    expect(names.sort()).toEqual(
      ["checkpoint", "hashes", "head", "last-signed", "lock", "log.json", "segments"].sort(),
    )
  })
})
