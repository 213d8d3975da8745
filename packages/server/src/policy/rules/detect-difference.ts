import { coversPointer, formatPointer } from "./pointer.ts"
import type { Detect, DetectorDoing, DetectorGroup } from "./policy.ts"

interface DetectChange {
  readonly subject: string
  readonly text: string
  readonly weakens: boolean
}

const strength: readonly DetectorDoing[] = ["off", "mark", "truncate", "hmac", "redact"]

const nothing: Detect = {
  groups: {
    secrets: "off",
    cards: "off",
    accounts: "off",
    contacts: "off",
    addresses: "off",
    entropy: "off",
  },
  packs: [],
  patterns: [],
  allow: [],
}

/**
 * What detectors find less, or hide less, weakens. What they hide more does not, but for two things that nobody can look up or
 * foresee: redacting, and patterns of one's own, which may hit anything.
 */
export function detectChanges(
  old: Detect | undefined,
  now: Detect | undefined,
): readonly DetectChange[] {
  const [before, after] = [old ?? nothing, now ?? nothing]
  const changes: DetectChange[] = []
  const say = (text: string, weakens: boolean): void => {
    changes.push({ subject: "detect", text, weakens })
  }
  for (const group of Object.keys(nothing.groups) as DetectorGroup[]) {
    const [was, is] = [before.groups[group], after.groups[group]]
    const isLess = strength.indexOf(is) < strength.indexOf(was) || is === "redact"
    if (was !== is) say(`${group}: ${was} -> ${is}`, isLess)
  }
  for (const pack of before.packs) if (!after.packs.includes(pack)) say(`packs: - ${pack}`, true)
  for (const pack of after.packs) if (!before.packs.includes(pack)) say(`packs: + ${pack}`, false)
  patternChanges(before, after, say)
  const [olds, news] = [before.allow.map(formatPointer), after.allow.map(formatPointer)]
  for (const text of olds) if (!news.includes(text)) say(`allow: - ${text}`, false)
  for (const pointer of after.allow) {
    const text = formatPointer(pointer)
    const isHeld = before.allow.some((one) => coversPointer(one, pointer))
    if (!olds.includes(text)) say(`allow: + ${text}`, !isHeld)
  }
  return changes
}

function patternChanges(
  before: Detect,
  after: Detect,
  say: (text: string, weakens: boolean) => void,
): void {
  const olds = new Map(before.patterns.map((one) => [one.name, one]))
  const news = new Map(after.patterns.map((one) => [one.name, one]))
  for (const name of olds.keys()) if (!news.has(name)) say(`patterns: - ${name}`, true)
  for (const [name, now] of news) {
    const old = olds.get(name)
    if (old === undefined) say(`patterns: + ${name}`, now.do !== "mark")
    else if (old.pattern !== now.pattern) say(`patterns: ${name}: another pattern`, true)
    if (old === undefined || old.do === now.do) continue
    const isLess = strength.indexOf(now.do) < strength.indexOf(old.do) || old.do === "mark"
    say(`patterns: ${name}: ${old.do} -> ${now.do}`, isLess || now.do === "redact")
  }
}
