import { afterEach, expect, test } from "vitest"
import { listSegments } from "../disk/index.ts"
import { verifyDirectory } from "../guard/verify/index.ts"
import { origin } from "../guard/verify/written-log.test.support.ts"
import { MirrorLog, pruneMirror } from "./index.ts"
import { mirrorUpTo, openScene, removeDirectories, type Scene } from "./mirror.test.support.ts"

afterEach(removeDirectories)

/** When the slots of such a log were committed, and a day after. */
const writtenMs = 1_764_000_000_000
const dayMs = 86_400_000

/** A mirror of a log that says that its first segment went. */
async function openPruned(says: object | "nothing" = {}) {
  const scene = await openScene()
  const to = (await listSegments(scene.log.path))[1] as number
  await mirrorUpTo(scene, scene.log.size)
  await scene.log.prune(to, says)
  await scene.log.checkpoint()
  await mirrorUpTo(scene, scene.log.size)
  return { scene, to }
}

async function prune({ path, vkey }: Scene, days: number): Promise<number | undefined> {
  const log = await MirrorLog.open(path, { origin, vkey }, 4096)
  try {
    return await pruneMirror(log, 30, writtenMs + days * dayMs)
  } finally {
    await log.close()
  }
}

test("a mirror keeps what the log let go, until it is old enough for the mirror too", async () => {
  const { scene, to } = await openPruned()
  const { path, vkey, log } = scene
  expect((await listSegments(log.path))[0]).toBe(to)
  expect(await prune(scene, 29)).toBeUndefined()
  expect((await listSegments(path))[0]).toBe(0)
  expect((await verifyDirectory(path, { vkey, full: true })).findings).toEqual([])
  expect(await prune(scene, 31)).toBe(to)
  expect((await listSegments(path))[0]).toBe(to)
  expect((await verifyDirectory(path, { vkey, full: true })).findings).toEqual([])
  expect(await prune(scene, 31)).toBeUndefined()
  // It goes on.
  const own = log.own("postern.stopped", {})
  await log.commit()
  await log.checkpoint()
  await mirrorUpTo(scene, own + 1)
  expect((await verifyDirectory(path, { vkey, full: true })).verified).toBe(true)
  await log.close()
})

test("a mirror removes nothing that no entry speaks of, or that an entry says wrongly", async () => {
  for (const says of ["nothing", { root: "AAAA" }, { to: 1 }, { to: "all" }] as const) {
    const { scene } = await openPruned(says)
    expect(await prune(scene, 999)).toBeUndefined()
    expect((await listSegments(scene.path))[0]).toBe(0)
    await scene.log.close()
  }
})
