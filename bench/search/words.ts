/**
 * Words of messages, each with a part to play: common ones stand in one of forty to one of ten messages, rare ones in a
 * handful of a million. Made of syllables, so that they are as long as words are and none is a part of an id.
 */
import type { Random } from "../random.ts"
import { createZipf } from "./zipf.ts"

const syllables = [..."bdfgklmnprstvz"].flatMap((first) => [..."aeiou"].map((last) => first + last))

const wordSyllables = 3

/** The words of numbers below 70 ** 3 differ; numbers far apart and near each other look equally different. */
function wordOf(number: number): string {
  const count = syllables.length
  let rest = (number * 7_368_787 + 1_234_567) % count ** wordSyllables
  let word = ""
  for (let i = 0; i < wordSyllables; i++) {
    word += syllables[rest % count]
    rest = Math.floor(rest / count)
  }
  return word
}

function wordsOf(from: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => wordOf(from + i))
}

const common = wordsOf(0, 30)
const pairs = 32
const firsts = wordsOf(1_000, pairs)
const seconds = wordsOf(2_000, pairs)
const medium = wordsOf(10_000, 2_000)
const rareFrom = 100_000
const rareWords = 40_000
/** Of so many messages one has two words that otherwise never meet. */
const meetingsOne = 15_000
const rareOne = 20

const chooseCommon = createZipf(common.length, 0.5)
const chooseMedium = createZipf(medium.length, 1)

export interface Message {
  readonly text: string
  /** The rare word in it, if there is one. */
  readonly rare: string | undefined
}

export function makeMessage(random: Random): Message {
  const first = random.below(pairs)
  const second = random.below(meetingsOne) === 0 ? first : otherThan(first, random)
  const words = `${common[chooseCommon(random)]} ${firsts[first]} ${medium[chooseMedium(random)]}`
  const rare = random.below(rareOne) === 0 ? wordOf(rareFrom + random.below(rareWords)) : undefined
  const text = `${words} ${seconds[second]}${rare === undefined ? "" : ` ${rare}`}`
  return { text, rare }
}

function otherThan(first: number, random: Random): number {
  const second = random.below(pairs - 1)
  return second < first ? second : second + 1
}

/** Words of which each stands in one of forty to one of ten messages. */
export const commonWords: readonly string[] = common

/** Pairs of words: each stands in one of 32 messages, both together in one of 480,000. */
export const strangers: readonly (readonly [string, string])[] = firsts.map((first, i) => [
  first,
  seconds[i] as string,
])
