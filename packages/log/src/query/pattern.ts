import { PosternError } from "../base/index.ts"

/** One alternative of a field's value: the whole value, or how it begins. */
export interface Pattern {
  readonly text: string
  readonly isPrefix: boolean
}

export const patternsMax = 32
export const patternLengthMax = 256

/**
 * Reads a list of alternatives: commas separate them, `*` at the end of one makes it a prefix, a
 * backslash takes the next character as it is. `value` comes from a reader's request;
 * REQUEST_INVALID names `field`.
 * @param hasPrefixes false: `*` is a character like any other
 */
export function parsePatterns(field: string, value: string, hasPrefixes: boolean): Pattern[] {
  const patterns: Pattern[] = []
  let text = ""
  let isPrefix = false
  const finish = () => {
    if (text === "" && !isPrefix) throw refused(field, "an alternative is empty")
    if (text.length > patternLengthMax) {
      throw refused(field, `an alternative is longer than ${patternLengthMax} characters`)
    }
    if (patterns.length === patternsMax) throw refused(field, `at most ${patternsMax} alternatives`)
    patterns.push({ text, isPrefix })
    text = ""
    isPrefix = false
  }
  for (let i = 0; i < value.length; i++) {
    const letter = value.charAt(i)
    if (letter === ",") {
      finish()
      continue
    }
    if (isPrefix) throw refused(field, "* stands at the end only; write \\* for the character")
    if (letter === "*" && hasPrefixes) {
      isPrefix = true
    } else if (letter === "\\") {
      i += 1
      if (i === value.length) throw refused(field, "a backslash takes the character behind it")
      text += value.charAt(i)
    } else {
      text += letter
    }
  }
  finish()
  return patterns
}

export function fits(pattern: Pattern, value: string): boolean {
  return pattern.isPrefix ? value.startsWith(pattern.text) : value === pattern.text
}

function refused(field: string, reason: string): PosternError {
  return new PosternError("REQUEST_INVALID", `${field}: ${reason}`)
}
