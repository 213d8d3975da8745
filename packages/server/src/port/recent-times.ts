/** How long the last of many repeated acts took: of 1,024 at most, so that what is said is of now. */
export class RecentTimes {
  readonly #seconds = new Float64Array(1024)
  #count = 0

  add(seconds: number): void {
    this.#seconds[this.#count % this.#seconds.length] = seconds
    this.#count += 1
  }

  /** Undefined before the first. */
  quantiles(): { readonly p50: number; readonly p99: number } | undefined {
    const kept = this.#seconds.slice(0, Math.min(this.#count, this.#seconds.length)).sort()
    const at = (share: number) => kept[Math.ceil(share * kept.length) - 1]
    const [p50, p99] = [at(0.5), at(0.99)]
    return p50 === undefined || p99 === undefined ? undefined : { p50, p99 }
  }
}
