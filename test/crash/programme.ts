import { pause } from "../support/waiting.ts"
import type { Decisions } from "./decisions.ts"
import type { Report } from "./report.ts"

/** What every part of the programme is given. */
export interface Programme {
  readonly report: Report
  readonly decisions: Decisions
  readonly isLong: boolean
}

export interface Part {
  readonly name: string
  readonly title: string
  run(programme: Programme): Promise<void>
}

/** Waits for something that is bound to come; says what it waited for if it does not. */
export async function until(
  reached: () => boolean | Promise<boolean>,
  what: string,
  ms = 20_000,
): Promise<void> {
  const end = performance.now() + ms
  while (!(await reached())) {
    if (performance.now() > end) throw new Error(`${what} did not come in ${ms} ms`)
    await pause(3)
  }
}

export { pause }
