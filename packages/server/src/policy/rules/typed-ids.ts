import { makeTexts } from "./texts.ts"

/** Of an actor or a target; a member that is missing or no text is undefined. */
export interface TypedId {
  readonly type: string | undefined
  readonly id: string | undefined
}

/** `TYPE:ID` patterns of a condition. */
export interface TypedIds {
  covers(one: TypedId): boolean
}

export function makeTypedIds(patterns: readonly string[]): TypedIds {
  const sides = patterns.map((pattern) => {
    const [type, id] = splitTypedId(pattern)
    return { type: makeTexts([type]), id: makeTexts([id]) }
  })
  return {
    covers: ({ type, id }) =>
      type !== undefined &&
      id !== undefined &&
      sides.some((side) => side.type.covers(type) && side.id.covers(id)),
  }
}

/** At the first colon: an id may hold more of them, a type in a policy none. */
export function splitTypedId(pattern: string): readonly [type: string, id: string] {
  const at = pattern.indexOf(":")
  return [pattern.slice(0, at), pattern.slice(at + 1)]
}
