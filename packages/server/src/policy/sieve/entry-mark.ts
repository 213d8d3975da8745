import type { Done } from "./carrying-out.ts"
import type { Edit } from "./edits.ts"
import { type EventText, rawText } from "./event-text.ts"
import { membersOf } from "./looking-up.ts"

/** As many things that were done stand in an entry; behind them `more`. */
const doneMax = 32
const digestDigits = 16

export interface Mark {
  /** Of the policy, all its digits. */
  readonly digest: string
  /** Undefined where only detectors did something. */
  readonly rule: string | undefined
  readonly did: readonly Done[]
  readonly detected: readonly string[]
  /** How many values were kept out. */
  readonly sealed: number
}

/** The member `_policy` of an event that was changed (docs/spec/policy.md, The entry); raw text. */
export function formatMark({ digest, rule, did, detected, sealed }: Mark): string {
  // The digest, the rule's name and the detectors' have nothing in them that JSON escapes.
  let text = `"_policy":{"digest":"${digest.slice(0, digestDigits)}"`
  if (rule !== undefined) text += `,"rule":"${rule}"`
  text += ',"did":['
  for (let i = 0; i < did.length && i < doneMax; i++) {
    const { what, at } = did[i] as Done
    text += `${i === 0 ? "" : ","}${JSON.stringify(`${what} ${at}`)}`
  }
  text += did.length > doneMax ? ',"more"]' : "]"
  if (detected.length > 0) text += `,"detected":["${detected.join('","')}"]`
  return rawText(sealed > 0 ? `${text},"sealed":${sealed}}` : `${text}}`)
}

/** The digests that an event names already, as their JSON stands there; undefined if it has no such member. */
export function ownDigests(
  text: EventText,
): { readonly count: number; readonly to: number } | undefined {
  for (const { name, value } of membersOf(text, text.skipSpace(0))) {
    if (name !== "_sd") continue
    const digests: unknown = JSON.parse(text.sourceOf(value.from, value.to))
    return { count: Array.isArray(digests) ? digests.length : 0, to: value.to }
  }
  return undefined
}

/** Brings the digests of whole members into an event: into the list that is there, or as one right behind its brace. */
export function digestsEdit(
  text: EventText,
  own: { readonly count: number; readonly to: number } | undefined,
  digests: readonly string[],
): Edit {
  const listed = digests.map((digest) => `"${digest}"`).join()
  if (own === undefined) {
    const at = text.skipSpace(0) + 1
    return { from: at, to: at, text: `"_sd":[${listed}],` }
  }
  const at = own.to - 1
  return { from: at, to: at, text: own.count === 0 ? listed : `,${listed}` }
}
