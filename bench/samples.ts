/** Times in milliseconds, as many as come; sorted once, when they are asked for. */
export class Samples {
  #values = new Float64Array(65_536)
  #length = 0

  add(value: number): void {
    if (this.#length === this.#values.length) {
      const wider = new Float64Array(2 * this.#length)
      wider.set(this.#values)
      this.#values = wider
    }
    this.#values[this.#length++] = value
  }

  clear(): void {
    this.#length = 0
  }

  /** The values below which the given shares of all lie (nearest rank); NaN where there are none. */
  quantiles(...shares: readonly number[]): number[] {
    const sorted = this.#values.subarray(0, this.#length).sort()
    return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN)
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}
