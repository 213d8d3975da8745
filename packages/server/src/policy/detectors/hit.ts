import type { Treatment } from "./settings.ts"

/** What one detector found in a text, before it is known what is done with it. */
export interface Finding {
  /** `a-z 0-9 -`, as docs/reference/detectors.md lists them. */
  readonly name: string
  /** Range of UTF-16 units of the text. */
  readonly from: number
  readonly to: number
  /** The whole text has to go, not only this range. */
  readonly whole: boolean
  /** What stands there instead of a digest: a network for an address, a statement without its literals. */
  readonly replacement?: string
}

/**
 * A finding and what is done with it. Of one text: in order of position and not overlapping. If any hit that is not
 * `mark` is `whole`, the whole text is replaced, and all of them give their names.
 */
export interface Hit extends Finding {
  readonly do: Treatment
  /** Names of others that were found in the same place. */
  readonly also?: readonly string[]
}

export const noFindings: readonly Finding[] = []
export const noHits: readonly Hit[] = []

const strength = { mark: 0, truncate: 1, hmac: 2, redact: 3 } as const

/**
 * Puts hits in order and joins those that overlap: the stronger one gives name and treatment, and covers what either
 * covers. A mark never hides anything that is replaced.
 */
export function arrange(hits: Hit[]): readonly Hit[] {
  if (hits.length < 2) return hits
  hits.sort((a, b) => a.from - b.from || b.to - a.to)
  const arranged: Hit[] = []
  for (const hit of hits) {
    const last = arranged.at(-1)
    if (last === undefined || last.to <= hit.from) arranged.push(hit)
    else arranged[arranged.length - 1] = join(last, hit)
  }
  return arranged
}

function join(first: Hit, second: Hit): Hit {
  const isSecondStronger = strength[second.do] > strength[first.do]
  const [strong, weak] = isSecondStronger ? [second, first] : [first, second]
  const names = [...(strong.also ?? []), weak.name, ...(weak.also ?? [])]
  const also = [...new Set(names)].filter((name) => name !== strong.name)
  const named = also.length === 0 ? {} : { also }
  const isInside = weak.from >= strong.from && weak.to <= strong.to && weak.whole === strong.whole
  if (isInside || (weak.do === "mark" && strong.do !== "mark")) return { ...strong, ...named }
  return {
    ...{ name: strong.name, do: strong.do === "truncate" ? "hmac" : strong.do, ...named },
    ...{ from: first.from, to: Math.max(first.to, second.to) },
    whole: first.whole || second.whole,
  }
}
