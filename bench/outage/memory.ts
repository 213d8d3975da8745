import { residentMb } from "../process-figures.ts"

/** Resident memory of a process, MiB: before the outage, at shares of it, and the most of all. */
export interface MemoryFigures {
  readonly start: number
  readonly quarter: number
  readonly half: number
  readonly end: number
  readonly most: number
}

/** Looks at a process from before the outage until everything is caught up. */
export class Memory {
  readonly #pid: number
  readonly #figures: { -readonly [Name in keyof MemoryFigures]: number }

  constructor(pid: number) {
    this.#pid = pid
    const now = residentMb(pid)
    this.#figures = { start: now, quarter: NaN, half: NaN, end: NaN, most: now }
  }

  /** @param share of the outage that is over; 1 from its end on */
  look(share: number): void {
    const now = residentMb(this.#pid)
    const figures = this.#figures
    figures.most = Math.max(figures.most, now)
    if (share >= 0.25 && Number.isNaN(figures.quarter)) figures.quarter = now
    if (share >= 0.5 && Number.isNaN(figures.half)) figures.half = now
    if (share >= 1 && Number.isNaN(figures.end)) figures.end = now
  }

  get figures(): MemoryFigures {
    return this.#figures
  }
}
