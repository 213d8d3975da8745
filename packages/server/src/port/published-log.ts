import { parseCheckpoint, parseNote, type ReadHashes } from "@postern/log/tlog"
import type { LogView } from "../disk/index.ts"

export type ProofView = Pick<LogView, "head" | "checkpoint" | "witnessed" | "hashes" | "close">

/** A published checkpoint, and the hashes of its tree. */
export interface Published {
  readonly note: string
  readonly size: number
  readonly read: ReadHashes
}

/** What is published, as any follower of the log directory reads it: out of files, beside everything that is on its way there. */
export class PublishedLog {
  readonly #openView: () => Promise<ProofView>
  #view: Promise<ProofView> | undefined

  /** @param openView fails while the log is empty: then it is asked again */
  constructor(openView: () => Promise<ProofView>) {
    this.#openView = openView
  }

  /** Undefined while there is no checkpoint, or the view has not caught up with it. */
  newest(): Promise<Published | undefined> {
    return this.#published((view) => view.checkpoint())
  }

  /** The newest that has the quorum of the port's witnesses; undefined while there is none. */
  witnessed(): Promise<Published | undefined> {
    return this.#published((view) => view.witnessed())
  }

  async #published(
    noteOf: (view: ProofView) => Promise<string | undefined>,
  ): Promise<Published | undefined> {
    const view = await this.#open()
    const note = view && (await noteOf(view))
    if (view === undefined || note === undefined) return undefined
    const { size } = parseCheckpoint(parseNote(note).text)
    if (size > view.head().size) return undefined
    return { note, size, read: (level, from, to) => view.hashes(level, from, to) }
  }

  async close(): Promise<void> {
    await (await this.#view?.catch(() => undefined))?.close()
  }

  async #open(): Promise<ProofView | undefined> {
    this.#view ??= this.#openView()
    try {
      return await this.#view
    } catch {
      this.#view = undefined
      return undefined
    }
  }
}
