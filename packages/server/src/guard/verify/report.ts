/** One thing that was found wrong. */
export interface Finding {
  /** The check that it belongs to. */
  readonly check: string
  /** What kind of fault, for programs: stable, in kebab-case. */
  readonly code: string
  /** File, byte, slot or entry. */
  readonly where: string
  readonly what: string
}

/** `unknown` = it could not be checked, or not everywhere; never as good as `ok`. */
export type Status = "ok" | "fail" | "unknown"

export interface Check {
  readonly name: string
  readonly status: Status
  /** How many were looked at, of what. */
  readonly checked: number
  readonly unit: string
  /** Why it is unknown, or what it does not cover. */
  readonly note?: string
}

/** What a verification comes to. Plain data: `--json` prints it as it is. */
export interface Report {
  readonly verified: boolean
  readonly origin: string
  /** Entries `[0, size)` are what was looked at. */
  readonly size: number
  /** Tree root at `size`, base64, as it was recomputed; absent if it could not be. */
  readonly root?: string
  readonly checks: readonly Check[]
  /** The first ones; `findingsTotal` says how many there were. */
  readonly findings: readonly Finding[]
  readonly findingsTotal: number
  /** Facts that are neither right nor wrong. */
  readonly facts: Readonly<Record<string, number | string>>
  readonly seconds: number
}

/** Kept in a report, for each check: a damaged log must not fill the memory with what is wrong with it. */
const findingsPerCheckMax = 25
const reasonsMax = 4

interface Tally {
  readonly unit: string
  checked: number
  failed: number
  /** Why it is not known. */
  readonly reasons: Set<string>
  note: string | undefined
}

/**
 * A report in the making. What is wrong is written down here and never thrown: whoever verifies goes on to see how far
 * the damage reaches.
 */
export class Draft<Name extends string> {
  readonly #tallies: Map<Name, Tally>
  readonly #findings: Finding[] = []
  readonly #facts: Record<string, number | string> = {}
  readonly #began = performance.now()

  /** @param units what each check counts, in the order of the report */
  constructor(units: Readonly<Record<Name, string>>) {
    const names = Object.keys(units) as Name[]
    this.#tallies = new Map(
      names.map((name) => {
        const tally: Tally = {
          unit: units[name],
          checked: 0,
          failed: 0,
          reasons: new Set(),
          note: undefined,
        }
        return [name, tally]
      }),
    )
  }

  count(name: Name, more = 1): void {
    this.#tally(name).checked += more
  }

  fail(check: Name, code: string, where: string, what: string): void {
    const tally = this.#tally(check)
    tally.failed += 1
    if (tally.failed <= findingsPerCheckMax) this.#findings.push({ check, code, where, what })
  }

  /** The check could not be made, or not everywhere. */
  cannot(check: Name, reason: string): void {
    const reasons = this.#tallies.get(check)?.reasons
    if (reasons !== undefined && reasons.size < reasonsMax) reasons.add(reason)
  }

  /** The check is not part of what was asked for. */
  omit(check: Name): void {
    this.#tallies.delete(check)
  }

  note(check: Name, note: string): void {
    this.#tally(check).note = note
  }

  fact(name: string, value: number | string): void {
    this.#facts[name] = value
  }

  addFact(name: string, more: number): void {
    this.#facts[name] = Number(this.#facts[name] ?? 0) + more
  }

  finish(log: Pick<Report, "origin" | "size"> & { readonly root: string | undefined }): Report {
    const checks = [...this.#tallies].map(([name, tally]) => describe(name, tally))
    const failed = [...this.#tallies.values()].reduce((sum, tally) => sum + tally.failed, 0)
    const { origin, size, root } = log
    return {
      verified: checks.every(({ status }) => status === "ok"),
      origin,
      size,
      ...(root === undefined ? {} : { root }),
      checks,
      findings: this.#findings,
      findingsTotal: failed,
      facts: this.#facts,
      seconds: (performance.now() - this.#began) / 1000,
    }
  }

  #tally(name: Name): Tally {
    return this.#tallies.get(name) as Tally
  }
}

function describe(name: string, tally: Tally): Check {
  const { unit, checked, failed, reasons, note } = tally
  const status: Status = failed > 0 ? "fail" : reasons.size > 0 ? "unknown" : "ok"
  const notes = [...reasons, ...(note === undefined ? [] : [note])]
  return { name, status, checked, unit, ...(notes.length === 0 ? {} : { note: notes.join("; ") }) }
}
