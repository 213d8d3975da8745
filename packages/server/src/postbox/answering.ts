import { mkdirSync } from "node:fs"
import { readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { replaceFile } from "../disk/index.ts"
import { bounds, formatAnswer, idPattern, parseAsk, readLetter, refusal } from "./letter.ts"

/**
 * Does what is asked. The body is unchecked; `asker` is the name of the process in whose directory it lay. What it resolves to
 * is answered, what it throws is the refusal: a PosternError with code and detail, anything else as UNANSWERED.
 */
export type Handler = (body: unknown, asker: string) => Promise<unknown>

export interface AnsweringOptions {
  /** The directory of this process below data/state; it is made if it is missing. */
  readonly own: string
  /** Directories of those who may ask, by the name of the process. */
  readonly askers: Readonly<Record<string, string>>
  /** By kind of what is asked. */
  readonly handlers: Readonly<Record<string, Handler>>
  /** Hears what is wrong with the postbox itself, and what a handler threw that is no PosternError. */
  failed(asker: string, error: unknown): void
}

/** The side that answers. Each ask is answered once, several at the same time. */
export interface Answering {
  /** Resolves when what is under way is answered. */
  close(): Promise<void>
}

const lookMs = 100

export function openAnswering(options: AnsweringOptions): Answering {
  const answering = new Answers(options)
  return { close: () => answering.close() }
}

class Answers {
  readonly #options: AnsweringOptions
  readonly #directory: string
  readonly #timer: NodeJS.Timeout
  /** Asks that are being answered, or were: until their asker has taken them away. */
  readonly #seen = new Set<string>()
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #complaints = new Map<string, string>()
  #looking: Promise<void> | undefined

  constructor(options: AnsweringOptions) {
    this.#options = options
    this.#directory = join(options.own, "answers")
    mkdirSync(this.#directory, { recursive: true, mode: 0o750 })
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined
      })
    }, lookMs)
  }

  async #look(): Promise<void> {
    const open = new Set<string>()
    for (const [asker, directory] of Object.entries(this.#options.askers)) {
      try {
        for (const id of await listAsks(directory)) {
          open.add(id)
          if (this.#seen.has(id)) continue
          this.#begin(asker, directory, id)
        }
        this.#complaints.delete(asker)
      } catch (error) {
        this.#complain(asker, error)
      }
    }
    await this.#forget(open).catch((error) => this.#complain("", error))
  }

  #begin(asker: string, directory: string, id: string): void {
    this.#seen.add(id)
    const answered = this.#answer(asker, directory, id).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, answered)
  }

  async #answer(asker: string, directory: string, id: string): Promise<void> {
    const { handlers, failed } = this.#options
    try {
      const letter = await readLetter(join(directory, "asks", id))
      if (letter === undefined || letter.ageMs > bounds.ageMaxMs) return
      const answer = await answerTo(letter.bytes, asker).catch((error) => {
        if (!(error instanceof PosternError)) failed(asker, error)
        return refusal(error)
      })
      await replaceFile(join(this.#directory, id), formatAnswer(answer))
    } catch (error) {
      failed(asker, error)
    }
    async function answerTo(bytes: Uint8Array, from: string) {
      const { kind, body } = parseAsk(bytes)
      const handler = Object.hasOwn(handlers, kind) ? handlers[kind] : undefined
      if (handler === undefined) throw new PosternError("REQUEST_INVALID", `the kind ${kind}`)
      return { body: await handler(body, from) }
    }
  }

  /** Answers that were taken, or never will be. */
  async #forget(open: ReadonlySet<string>): Promise<void> {
    for (const id of this.#seen) {
      if (!open.has(id) && !this.#underWay.has(id)) this.#seen.delete(id)
    }
    for (const name of await readdir(this.#directory)) {
      const id = name.replace(/\.new$/, "")
      if (idPattern.test(id) && !open.has(id) && !this.#underWay.has(id)) {
        await rm(join(this.#directory, name), { force: true })
      }
    }
  }

  /** Once, not ten times a second. */
  #complain(asker: string, error: unknown): void {
    if (this.#complaints.get(asker) === String(error)) return
    this.#complaints.set(asker, String(error))
    this.#options.failed(asker, error)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    await Promise.all(this.#underWay.values())
  }
}

/** A process that has not asked anything yet has no directory. */
async function listAsks(directory: string): Promise<string[]> {
  try {
    const names = await readdir(join(directory, "asks"))
    return names.filter((name) => idPattern.test(name)).slice(0, bounds.asksMax)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}
