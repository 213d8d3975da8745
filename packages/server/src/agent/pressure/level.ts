/** Shares of the spool. */
const lowAt = 0.8
const freedAt = 0.5

/** When it is said that a spool fills, and that it has room again. */
export class SpoolLevel {
  #isLow = false
  #lowSinceMs = 0

  get isLow(): boolean {
    return this.#isLow
  }

  /** What is to be said now. `sinceMs`: when it became low. */
  judge(
    bytesFree: number,
    bytesMax: number,
    nowMs: number,
  ): { readonly what: "low" | "freed"; readonly sinceMs: number } | undefined {
    const fill = fillOf(bytesFree, bytesMax)
    if (!this.#isLow && fill >= lowAt) {
      this.#isLow = true
      this.#lowSinceMs = nowMs
      return { what: "low", sinceMs: nowMs }
    }
    if (this.#isLow && fill <= freedAt) {
      this.#isLow = false
      return { what: "freed", sinceMs: this.#lowSinceMs }
    }
    return undefined
  }
}

function fillOf(bytesFree: number, bytesMax: number): number {
  return 1 - bytesFree / bytesMax
}
