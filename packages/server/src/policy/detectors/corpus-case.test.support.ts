import type { ValueKind } from "./plain-values.ts"

export interface Case {
  /** The detector that it is about; of an ordinary text none. */
  readonly detector: string | undefined
  readonly isTrue: boolean
  readonly text: string
  readonly key: string | undefined
  readonly path: readonly string[]
  readonly kind: ValueKind
  /** What the same event says before: key and text, in the same object or array unless a path is given. */
  readonly before?: readonly [
    key: string | undefined,
    text: string,
    path?: readonly string[] | undefined,
  ]
}

type More = Partial<Pick<Case, "key" | "path" | "kind" | "before">>

export const make = (
  isTrue: boolean,
  detector: string | undefined,
  text: string,
  more: More = {},
): Case => ({
  ...{ detector, isTrue, text, key: "note", path: ["data"], kind: "string" },
  ...more,
})
export const yes = (detector: string, ...texts: string[]): Case[] =>
  texts.map((text) => make(true, detector, text))
export const no = (detector: string, ...texts: string[]): Case[] =>
  texts.map((text) => make(false, detector, text))
export const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
const around = ["", "value ", "curl -H 'X: ", "a,b,"]

/** A text in an attribute of OTLP: behind its key, and where its value stands in it. */
export const attribute = (
  isTrue: boolean,
  key: string,
  text: string,
  content: readonly string[] = ["stringValue"],
): Case => {
  const path = ["data", "otlp", "attributes", "3"]
  return make(isTrue, "secret-name", text, {
    ...{ key: content.at(-1), path: [...path, "value", ...content.slice(0, -1)] },
    before: ["key", key, path],
  })
}

/** A token by itself and in the middle of other texts. */
export const token = (detector: string, draw: (seed: number) => string): Case[] =>
  seeds.flatMap((seed) =>
    yes(detector, `${around[seed % 4]}${draw(seed)}${seed % 3 === 0 ? " end" : ""}`),
  )
