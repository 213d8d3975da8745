import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeSoundLog } from "../guard/verify/sound-log.test.support.ts"
import { origin, type WrittenLog } from "../guard/verify/written-log.test.support.ts"
import { followOrigin, type MirrorEvent, MirrorLog } from "./index.ts"
import { DirectoryOrigin } from "./origin.test.support.ts"

const directories: string[] = []

export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "postern-mirror-"))
  directories.push(directory)
  return directory
}

export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
}

/** A log of three segments behind an origin, and a place for its mirror. */
export async function openScene(log?: WrittenLog) {
  return sceneOf(log ?? (await writeSoundLog(newDirectory())))
}

function sceneOf(log: WrittenLog) {
  const source = new DirectoryOrigin(log.path)
  const path = join(newDirectory(), "copy")
  return { log, source, path, events: [] as MirrorEvent[], vkey: log.log.vkey }
}

export type Scene = Awaited<ReturnType<typeof openScene>>

/** Follows until the mirror has as many entries as it is told, then stops. */
export async function mirrorUpTo(scene: Scene, size: number): Promise<void> {
  const { source, path, events, vkey } = scene
  const stop = new AbortController()
  const log = await MirrorLog.open(path, { origin, vkey }, 4096)
  try {
    await followOrigin({
      log,
      origin: source,
      signal: stop.signal,
      tell: (event) => events.push(event),
      async pause() {
        if (log.size >= size) stop.abort()
        await new Promise((resolve) => setImmediate(resolve))
      },
      now: () => new Date("2026-11-22T12:00:00Z"),
      elapsedMs: () => performance.now(),
    })
  } finally {
    await log.close()
  }
}
