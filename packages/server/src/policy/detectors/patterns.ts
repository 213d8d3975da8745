/** Patterns of the operator's own, in RE2's syntax: no backtracking, and bounded all the same. */
import { PosternError } from "@postern/log/base"
import { RE2JS, RE2Set } from "re2js"
import { arrange, type Hit, noHits } from "./hit.ts"
import type { Treatment, UserPattern } from "./settings.ts"

export const patternBounds = {
  characters: 1_000,
  /** Instructions of the compiled program. */
  size: 200,
  /** What a call costs besides, in characters: many short texts must not be free. */
  callCharacters: 16,
  /** Instructions times characters that all patterns together may cost in one event: some 50 ns each at worst, 50 ms. */
  eventSteps: 1_000_000,
} as const

/**
 * Bytes of states that re2js may keep for a pattern: an ordinary one has fewer. One that makes a state for every character
 * (`[ab]*a[ab]{180}c`) is soon simulated instead, and no writer fills the memory with what it makes.
 */
const stateBytesMax = 256 * 1024

/** What is wrong with a pattern, for people; undefined if it is acceptable. */
export function patternFault(text: string): string | undefined {
  if (text.length > patternBounds.characters)
    return `is longer than ${patternBounds.characters} characters`
  try {
    const compiled = RE2JS.compile(text)
    const size = compiled.programSize()
    if (size > patternBounds.size)
      return `compiles to ${size} instructions, at most ${patternBounds.size}: repeat less, or write two patterns`
    return compiled.test("") ? "matches the empty text, and so every text" : undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Refuses with POLICY_INVALID what patternFault() finds. */
export function checkPattern(text: string): void {
  const fault = patternFault(text)
  if (fault !== undefined) throw new PosternError("POLICY_INVALID", `the pattern ${fault}`)
}

export interface OwnPatterns {
  /** A new event begins, with steps of its own. */
  begin(): void
  /** What the patterns find in a text. */
  find(text: string): readonly Hit[]
}

/**
 * A pattern that would cost more steps than its event has left is taken to have hit: nobody hides a text from it by
 * making it long. Which of several patterns that meets depends on their order, and on nothing else.
 */
export function compilePatterns(patterns: readonly UserPattern[]): OwnPatterns {
  const compiled = patterns
    .filter((pattern) => pattern.do !== "off")
    .map((pattern) => {
      checkPattern(pattern.pattern)
      const set = new RE2Set(RE2Set.UNANCHORED, 0, stateBytesMax)
      set.add(pattern.pattern)
      set.compile()
      const hit: Hit = {
        ...{ name: pattern.name, from: 0, to: 1, whole: true },
        do: pattern.do as Treatment,
      }
      return { hit, set, size: RE2JS.compile(pattern.pattern).programSize() }
    })
  const allHit = arrange(compiled.map(({ hit }) => hit))
  let left: number = patternBounds.eventSteps
  return {
    begin() {
      left = patternBounds.eventSteps
    },
    find(text) {
      if (compiled.length === 0 || text === "") return noHits
      const to = text.length
      if (left < 0) return allHit.map((hit) => ({ ...hit, to }))
      return compiled.flatMap(({ hit, set, size }) => {
        left -= size * (text.length + patternBounds.callCharacters)
        if (left >= 0 && set.match(text).length === 0) return []
        return [{ ...hit, to }]
      })
    },
  }
}
