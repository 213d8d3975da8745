/** Values that a condition names: each text is a value, or what one begins with where it ends with `*`. */
export interface Texts {
  covers(value: string): boolean
}

/** Fast for one text, which most conditions have. */
export function makeTexts(texts: readonly string[]): Texts {
  const [first, ...others] = texts
  if (first !== undefined && others.length === 0) return makeText(first)
  const exact = new Set(texts.filter((text) => !text.endsWith("*")))
  const beginnings = texts.filter((text) => text.endsWith("*")).map((text) => text.slice(0, -1))
  if (beginnings.length === 0) return { covers: (value) => exact.has(value) }
  return {
    covers: (value) => exact.has(value) || beginnings.some((one) => value.startsWith(one)),
  }
}

function makeText(text: string): Texts {
  if (!text.endsWith("*")) return { covers: (value) => value === text }
  const beginning = text.slice(0, -1)
  return { covers: (value) => value.startsWith(beginning) }
}

/** Whether everything that one pattern covers is covered by another. */
export function coversPattern(outer: string, inner: string): boolean {
  return outer === inner || (outer.endsWith("*") && inner.startsWith(outer.slice(0, -1)))
}

/** Whether there is a value that both patterns cover. */
export function patternsMeet(a: string, b: string): boolean {
  return coversPattern(a, b) || coversPattern(b, a)
}
