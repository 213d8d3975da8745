import { randomUUID } from "node:crypto"
import { isPosternError, PosternError } from "@postern/log/base"

/** Told by an errand how far it is: what it does, and how much of it is done. */
export type AtStep = (step: string, done: number, of: number) => void

/** How an errand stands. */
export type ErrandState =
  | {
      readonly state: "working"
      readonly step: string
      readonly done: number
      readonly of: number
    }
  | { readonly state: "done"; readonly result: object }
  | { readonly state: "failed"; readonly code: string; readonly title: string }

const workingMax = 4
const keptMax = 32

/**
 * What operators ask for and takes longer than an answer may: begun with one question, looked after with others, by its name. The results of
 * the last ones are kept in memory.
 */
export class Errands {
  readonly #states = new Map<string, ErrandState>()
  readonly #working = new Set<Promise<void>>()
  readonly #fatal: (error: unknown) => void
  #isEnding = false

  /** @param fatal told of a disk that failed */
  constructor(fatal: (error: unknown) => void) {
    this.#fatal = fatal
  }

  /** Errors: OVERLOADED, SHUTTING_DOWN. */
  begin(work: (at: AtStep) => Promise<object>): { readonly errand: string } {
    if (this.#isEnding) throw new PosternError("SHUTTING_DOWN")
    if (this.#working.size >= workingMax)
      throw new PosternError("OVERLOADED", `${workingMax} errands are under way`)
    const errand = randomUUID()
    this.#keep(errand, { state: "working", step: "beginning", done: 0, of: 1 })
    const working = work((step, done, of) => {
      this.#states.set(errand, { state: "working", step, done, of })
    }).then(
      (result) => void this.#states.set(errand, { state: "done", result }),
      (error) => void this.#failed(errand, error),
    )
    this.#working.add(working)
    void working.finally(() => this.#working.delete(working))
    return { errand }
  }

  /** @param told `{errand}`. Errors: NOT_FOUND. */
  look(told: unknown): ErrandState {
    const { errand } = Object(told) as Readonly<Record<string, unknown>>
    const state = this.#states.get(String(errand))
    if (state !== undefined) return state
    throw new PosternError("NOT_FOUND", "there is no such errand, or it ended long ago")
  }

  /** Takes no other one, and waits for those that are under way. */
  async end(): Promise<void> {
    this.#isEnding = true
    await Promise.all(this.#working)
  }

  #failed(errand: string, error: unknown): void {
    const code = isPosternError(error) ? error.code : "DISK_FAILED"
    const title = error instanceof Error ? error.message : String(error)
    this.#states.set(errand, { state: "failed", code, title })
    if (isPosternError(error) && error.code === "DISK_FAILED") this.#fatal(error)
  }

  #keep(errand: string, state: ErrandState): void {
    this.#states.set(errand, state)
    for (const [name, { state: kept }] of this.#states) {
      if (this.#states.size <= keptMax) break
      if (kept !== "working") this.#states.delete(name)
    }
  }
}
