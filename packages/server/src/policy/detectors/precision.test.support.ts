/** How well detectors do on the corpus. */
import { type Case, corpus } from "./corpus.test.support.ts"
import { openDetectors } from "./index.ts"

export interface Score {
  readonly detector: string
  /** Of the cases that are true, and of those that are none: its own and all ordinary texts. */
  readonly right: number
  readonly missed: readonly Case[]
  readonly wrong: readonly Case[]
  readonly none: number
  readonly precision: number
  readonly recall: number
}

/** Names of what is found in a case with everything switched on. */
export function namesIn(one: Case): readonly string[] {
  detectors.begin()
  const [keyBefore, textBefore = "", pathBefore = one.path] = one.before ?? []
  detectors.look(textBefore, keyBefore, pathBefore, "string")
  const hits = detectors.look(one.text, one.key, one.path, one.kind)
  return hits.flatMap(({ name, also }) => [name, ...(also ?? [])])
}

/** Only marks: then no detector's hit keeps another one's from being seen. */
const detectors = openDetectors({
  groups: {
    ...{ secrets: "mark", cards: "mark", accounts: "mark" },
    ...{ contacts: "mark", addresses: "mark", entropy: "mark" },
  },
  packs: ["kubernetes", "vault", "sql", "http"],
  patterns: [],
})

export function scores(): readonly Score[] {
  const found = new Map(corpus.map((one) => [one, namesIn(one)]))
  const names = [...new Set(corpus.flatMap(({ detector }) => detector ?? []))].sort()
  return names.map((detector) => {
    const about = corpus.filter((one) => one.detector === detector || one.detector === undefined)
    const isFound = (one: Case) => found.get(one)?.includes(detector) === true
    const right = about.filter((one) => one.isTrue && isFound(one)).length
    const missed = about.filter((one) => one.isTrue && !isFound(one))
    const wrong = about.filter((one) => !one.isTrue && isFound(one))
    return {
      ...{ detector, right, missed, wrong },
      none: about.filter((one) => !one.isTrue).length,
      precision: right / (right + wrong.length),
      recall: right / (right + missed.length),
    }
  })
}
