import { isPosternError } from "@postern/log/base"

/** One piece of work after the other, in the order in which they are asked for; none any more once the disk has failed. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()
  #failure: unknown

  /** Errors: those of the work; that of the first work that ended with DISK_FAILED. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => {
      if (this.#failure !== undefined) throw this.#failure
      return work()
    })
    this.#last = done.catch((error) => this.note(error)) // Its caller hears of it.
    return done
  }

  /** Work that takes no turn has failed: what the files hold is unknown then, too. */
  note(error: unknown): void {
    if (isPosternError(error) && error.code === "DISK_FAILED") this.#failure ??= error
  }

  /** Resolves when all that was asked for so far has ended, however. */
  async ended(): Promise<void> {
    await this.#last
  }
}
