import type { Act } from "./act.ts"
import type { EventText } from "./event-text.ts"
import { hasNameInside, membersOf } from "./looking-up.ts"

/** Names by which RFC 9901 knows digests of what was kept out: in an object, and in an array's element. */
const digestNames = new Set(["_sd", "..."])

/** What the disclosure of a member is called. Of an identifier its pseudonym stays under the name. */
export function disclosedName(name: string): string {
  return name === "id" ? "idClear" : name
}

/**
 * Whether what leaves the event can be put back by its disclosures, and nothing else: that is so if the event brings no digests of its own below
 * the top level, and if no name that leaves an object stands in it twice, or would meet another one when it comes back.
 */
export function canDisclose(text: EventText, acts: readonly Act[]): boolean {
  const leaving = acts.filter((act) => act.what === "personal" || act.what === "sealed")
  if (leaving.length === 0) return true
  const { raw } = text
  const mayNameDigests =
    raw.includes('"_sd"', 1) || raw.includes('"..."') || text.hasEscape(0, raw.length)
  if (mayNameDigests) {
    const gone = acts.filter((act) => act.what !== "personal" && act.what !== "sealed")
    if (hasNameInside(text, digestNames, gone)) return false
  }
  const namesByHolder = new Map<number, string[]>()
  for (const { what, member } of leaving) {
    if (what !== "personal" || member === undefined) continue
    const name = text.rawNameOf(member.nameFrom, member.nameTo)
    const names = namesByHolder.get(member.holder)
    if (names === undefined) namesByHolder.set(member.holder, [name])
    else names.push(name)
  }
  return [...namesByHolder].every(([holder, names]) => areAlone(text, holder, names))
}

function areAlone(text: EventText, holder: number, names: readonly string[]): boolean {
  const leaving = new Set(names)
  const coming = new Set(names.map(disclosedName))
  // A name that stands twice, or an identifier beside a personal `idClear`: two would come back under one name.
  if (coming.size !== names.length) return false
  for (const { name } of membersOf(text, holder)) {
    if (coming.has(name) && !leaving.has(name)) return false
  }
  return true
}
