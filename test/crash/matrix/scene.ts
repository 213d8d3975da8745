import { rmSync } from "node:fs"
import type { Installation } from "../installation.ts"

/** What a course begins with, and what must hold at its end beyond what holds for every log. */
export interface Scene {
  readonly installation: Installation
  /** The directory whose calls are struck. */
  readonly directory: string
  /** Events of each body that is sent. */
  readonly bodies: readonly number[]
  /** Puts everything on disk back to where each course begins. */
  restore(): void
  /** What is wrong with the log, right after the blow as well as after the life that follows it. */
  faults(isOver: boolean): Promise<readonly string[]>
}

/** A port that begins its log: one event; enough for a new segment; the same once more. The drain at the end signs a checkpoint. */
export function emptyLog(installation: Installation): Scene {
  return {
    installation,
    directory: installation.log,
    bodies: [1, 100, 1, 100],
    restore: () => rmSync(installation.log, { recursive: true, force: true }),
    faults: async () => [],
  }
}
