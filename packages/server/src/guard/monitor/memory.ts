import { mkdir, readFile, rename } from "node:fs/promises"
import { join } from "node:path"
import {
  concatBytes,
  encodeUtf8,
  formatBase64,
  formatHex,
  isPosternError,
  PosternError,
  parseBase64,
  sha256,
} from "@postern/log/base"
import type { Checkpoint } from "@postern/log/tlog"
import { z } from "zod"
import { lockDirectory, replaceFile } from "../../disk/index.ts"
import { alarmNames } from "./alarm.ts"
import { checkDerived, type DerivedTree } from "./derivation.ts"
import { firstState, type MonitorState } from "./monitor-state.ts"
import { openOwn, type WatchedLog } from "./watched-log.ts"

/** A checkpoint that was believed, with the note that says it. */
export interface SeenCheckpoint {
  readonly note: string
  readonly checkpoint: Checkpoint
}

/** What a monitor must not forget. */
export interface Remembered {
  /** The newest checkpoint that was consistent with all before; undefined before the first. */
  readonly seen: SeenCheckpoint | undefined
  /** The newest one whose tree was derived from the tiles. */
  readonly derived: { readonly note: string; readonly tree: DerivedTree } | undefined
  readonly state: MonitorState
  /** Alarms that were not delivered yet, as they are sent. */
  readonly undelivered: readonly string[]
}

export const nothingRemembered: Remembered = {
  seen: undefined,
  derived: undefined,
  state: firstState,
  undelivered: [],
}

/** What became of the memory of an earlier process. */
export interface Loaded {
  readonly remembered: Remembered
  /** Why nothing is remembered. */
  readonly forgotten?: string
}

const time = z.int().min(0)
const raised = z.strictObject({
  alarm: z.enum(alarmNames),
  since: time,
  detail: z.string(),
  evidence: z.string().exactOptional(),
})
const document = z.strictObject({
  postern: z.literal("monitor@v1"),
  origin: z.string(),
  vkey: z.string(),
  seen: z.string().nullable(),
  derived: z
    .strictObject({
      note: z.string(),
      size: time,
      frontier: z.array(z.string()).max(8),
      rest: z.string(),
    })
    .nullable(),
  state: z.strictObject({
    raised: z.array(raised),
    size: time,
    grownAt: time.nullable(),
    lagSince: time.nullable(),
    unwitnessedSince: time.nullable(),
    sawEntries: z.boolean(),
  }),
  undelivered: z.array(z.string()).max(1000),
})

/**
 * The state directory of one monitor: `state.json` (one line, and the digest of it), `lock`, `evidence/`. What is read from it
 * is checked, notes by their signatures too, the tree by the root that it leads to. One process at a time.
 */
export class Memory {
  readonly directory: string
  readonly log: WatchedLog
  readonly #lock: { release(): void }

  private constructor(directory: string, log: WatchedLog, lock: { release(): void }) {
    this.directory = directory
    this.log = log
    this.#lock = lock
  }

  /** Errors: LOG_LOCKED if another monitor has it. */
  static async open(directory: string, log: WatchedLog): Promise<Memory> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return new Memory(directory, log, lockDirectory(join(directory, "lock")))
  }

  /**
   * What is remembered; or why nothing is: a damaged file is set aside and never believed in part. Errors: USAGE if it
   * is the memory of another log.
   */
  async load(at: Date): Promise<Loaded> {
    const text = await readFile(this.#file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined
      throw error
    })
    if (text === undefined) {
      return { remembered: nothingRemembered, forgotten: `${this.directory} holds no state` }
    }
    const remembered = await this.#parse(text)
    if (remembered !== undefined) return { remembered }
    const aside = `${this.#file}.damaged-${at.toISOString().replace(/[:.]/g, "-")}`
    await rename(this.#file, aside)
    return { remembered: nothingRemembered, forgotten: `the state was damaged: see ${aside}` }
  }

  /** Replaces what is remembered: after a crash it is this or what was before. Errors: DISK_FULL, DISK_FAILED. */
  async save({ seen, derived, state, undelivered }: Remembered): Promise<void> {
    const { raised, size, grownAt, lagSince, unwitnessedSince, sawEntries } = state
    const { origin, vkey } = this.log
    const value: z.infer<typeof document> = {
      postern: "monitor@v1",
      origin,
      vkey,
      seen: seen?.note ?? null,
      derived:
        derived === undefined
          ? null
          : {
              note: derived.note,
              size: derived.tree.size,
              frontier: derived.tree.frontier.map(formatBase64),
              rest: formatBase64(derived.tree.rest),
            },
      state: {
        raised: [...raised],
        size,
        grownAt: grownAt ?? null,
        lagSince: lagSince ?? null,
        unwitnessedSince: unwitnessedSince ?? null,
        sawEntries,
      },
      undelivered: [...undelivered],
    }
    const line = `${JSON.stringify(value)}\n`
    await replaceFile(this.#file, `${line}${digestOf(line)}\n`)
  }

  close(): void {
    this.#lock.release()
  }

  get #file(): string {
    return join(this.directory, "state.json")
  }

  async #parse(text: string): Promise<Remembered | undefined> {
    const end = text.indexOf("\n") + 1
    const line = text.slice(0, end)
    if (text.slice(end) !== `${digestOf(line)}\n`) return undefined
    const parsed = document.safeParse(parseJson(line)).data
    if (parsed === undefined) return undefined
    const { origin, vkey, state, undelivered } = parsed
    if (origin !== this.log.origin || vkey !== this.log.vkey) {
      const detail = `${this.directory} remembers the log ${origin} under another key or name`
      throw new PosternError("USAGE", detail)
    }
    try {
      const { seen: note, derived: written } = parsed
      const seen =
        note === null ? undefined : { note, checkpoint: (await openOwn(this.log, note)).checkpoint }
      const derived = written === null ? undefined : await this.#derived(written)
      if (written !== null && derived === undefined) return undefined
      const { raised, size, grownAt, lagSince, unwitnessedSince, sawEntries } = state
      return {
        seen,
        derived,
        state: {
          raised,
          size,
          grownAt: grownAt ?? undefined,
          lagSince: lagSince ?? undefined,
          unwitnessedSince: unwitnessedSince ?? undefined,
          sawEntries,
          answeredAt: undefined,
        },
        undelivered,
      }
    } catch (error) {
      if (isPosternError(error) && error.code === "NOTE_INVALID") return undefined
      throw error
    }
  }

  async #derived(written: {
    note: string
    size: number
    frontier: readonly string[]
    rest: string
  }): Promise<Remembered["derived"]> {
    const { note, size } = written
    const frontier = written.frontier.map((text) => parseBase64(text) ?? concatBytes())
    const rest = parseBase64(written.rest) ?? concatBytes()
    const { checkpoint } = await openOwn(this.log, note)
    const tree = await checkDerived({ checkpoint, size, frontier, rest })
    return tree === undefined ? undefined : { note, tree }
  }
}

function digestOf(line: string): string {
  return formatHex(sha256(encodeUtf8(line)))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Damaged: the caller says so.
  }
}
