/**
 * Values a grant covers: each text is a value, or a prefix with `*` at its end. Nothing else is
 * special.
 */
export interface Patterns {
  /** As written in the access list. */
  readonly texts: readonly string[]
  /** True if everything is covered, so that the caller need not ask value by value. */
  readonly any: boolean
  covers(value: string): boolean
}

export function makePatterns(texts: readonly string[]): Patterns {
  const exact = new Set(texts.filter((text) => !text.endsWith("*")))
  const prefixes = texts.filter((text) => text.endsWith("*")).map((text) => text.slice(0, -1))
  return {
    texts: [...texts],
    any: prefixes.includes(""),
    covers: (value) => exact.has(value) || prefixes.some((prefix) => value.startsWith(prefix)),
  }
}
