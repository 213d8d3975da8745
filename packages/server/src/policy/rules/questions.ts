import type { Conditions } from "./conditions-form.ts"
import type { Seen, SeenMember } from "./event-names.ts"
import { makeTexts, type Texts } from "./texts.ts"
import { makeTypedIds, type TypedIds } from "./typed-ids.ts"

/** One condition on what an event's own members say. */
export type Question = (seen: Seen) => boolean

const members = ["category", "op", "severity", "tenant"] as const satisfies readonly SeenMember[]

/** What a rule asks besides names, the cheapest first. */
export function questionsOf(match: Conditions): Question[] {
  const questions: Question[] = []
  if (match.size !== undefined) {
    const { min = 0, max = Number.POSITIVE_INFINITY } = match.size
    questions.push(({ size }) => size >= min && size <= max)
  }
  for (const member of members) {
    const patterns = match[member]
    if (patterns !== undefined) questions.push(asksText(member, makeTexts(patterns)))
  }
  if (match.actor !== undefined) questions.push(asksActor(makeTypedIds(match.actor)))
  if (match.target !== undefined) questions.push(asksTargets(makeTypedIds(match.target)))
  return questions
}

function asksText(member: SeenMember, texts: Texts): Question {
  return (seen) => {
    const text = seen.text(member)
    return text !== undefined && texts.covers(text)
  }
}

function asksActor(ids: TypedIds): Question {
  return (seen) => {
    const actor = seen.actor()
    return actor !== undefined && ids.covers(actor)
  }
}

function asksTargets(ids: TypedIds): Question {
  return (seen) => seen.targets().some((one) => ids.covers(one))
}
