import type { TrialResult } from "./trial.ts"

/** A text that a policy hid in one place and left in another of the same event. */
export interface LeftOver {
  /** Where it was hidden, and where it still stands, alone or in a longer text: pointers. */
  readonly hidden: string
  readonly stands: string
}

interface Text {
  readonly at: string
  readonly text: string
}

const leaving = new Set(["cut", "sealed"])
/** In bytes; shorter ones stand anywhere by chance. */
const shortest = 6

/**
 * What a policy hid in an event and still stands elsewhere in it word for word: members that a format made of a record are in
 * the record, too. What leaves with its member, by the level or the class, is
 * not hidden. One place for each text; of names that stand twice only the last counts.
 */
export function leftOver(
  event: Readonly<Record<string, unknown>>,
  kept: Readonly<Record<string, unknown>>,
  did: TrialResult["did"],
): readonly LeftOver[] {
  const gone = did.filter(({ what }) => leaving.has(what)).map(({ at }) => `${at}/`)
  if (gone.length === did.length) return []
  const { _policy, ...members } = kept
  const left = [...textsIn(members, "")]
  const leftAt = new Map(left.map(({ at, text }) => [at, text]))
  const found: LeftOver[] = []
  for (const { at, text } of textsIn(event, "")) {
    if (Buffer.byteLength(text) < shortest || leftAt.get(at) === text) continue
    if (gone.some((member) => at.startsWith(member))) continue
    const stands = left.find((one) => one.at !== at && holds(one, text))
    if (stands !== undefined) found.push({ hidden: at, stands: stands.at })
  }
  return found
}

function* textsIn(value: unknown, at: string): Generator<Text> {
  if (typeof value === "string") yield { at, text: value }
  if (typeof value !== "object" || value === null) return
  for (const [name, inside] of Object.entries(value)) {
    yield* textsIn(inside, `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`)
  }
}

/** A record that is no text stands in its event as base64. */
function holds({ at, text }: Text, wanted: string): boolean {
  if (text.includes(wanted)) return true
  return at === "/data/bytes" && Buffer.from(text, "base64").includes(wanted)
}
